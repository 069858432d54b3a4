using System.Text;

namespace Moat.Credentials.Tests;

public class SecretTests
{
    [Fact]
    public void Dispose_zeroes_the_bytes_and_ends_every_use()
    {
        var secret = Secret.FromText("some secret text");
        var bytes = secret.Reveal();
        secret.Dispose();
        Assert.False(bytes.ContainsAnyExcept((byte)0));
        Assert.Throws<ObjectDisposedException>(() => secret.Reveal().Length);
        secret.Dispose();
    }

    [Fact]
    public void Take_leaves_nothing_behind_and_text_is_never_the_secret()
    {
        var bytes = Encoding.UTF8.GetBytes("some secret text");
        using var secret = Secret.Take(bytes);
        Assert.All(bytes, b => Assert.Equal(0, b));
        Assert.Equal("[secret]", secret.ToString());
        Assert.Equal("[secret]", $"{secret}");
        using var empty = Secret.Copy([]);
        Assert.Equal(0, empty.Length);
    }
}
