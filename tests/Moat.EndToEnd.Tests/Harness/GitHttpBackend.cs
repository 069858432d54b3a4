using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>Runs the real <c>git http-backend</c> as CGI (RFC 3875); refuses a request without the expected credential as a forge does.</summary>
internal static class GitHttpBackend
{
    public static async Task ServeAsync(HttpContext context, string root)
    {
        var request = context.Request;
        if (request.Headers.Authorization.Count == 0)
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"git\"";
            return;
        }

        var info = new ProcessStartInfo("git") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        info.ArgumentList.Add("http-backend");
        var env = info.Environment;
        env["GIT_PROJECT_ROOT"] = root;
        env["GIT_HTTP_EXPORT_ALL"] = "1";
        env["GIT_CONFIG_COUNT"] = "1";
        env["GIT_CONFIG_KEY_0"] = "safe.directory";
        env["GIT_CONFIG_VALUE_0"] = "*";
        env["REMOTE_USER"] = "tester";
        env["REMOTE_ADDR"] = "127.0.0.1";
        env["REQUEST_METHOD"] = request.Method;
        env["PATH_INFO"] = request.Path.Value!["/git".Length..];
        env["QUERY_STRING"] = request.QueryString.Value?.TrimStart('?') ?? "";
        env["CONTENT_TYPE"] = request.ContentType ?? "";
        env["HTTP_CONTENT_ENCODING"] = request.Headers.ContentEncoding.ToString();
        env["GIT_PROTOCOL"] = request.Headers["Git-Protocol"].ToString();
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        env["CONTENT_LENGTH"] = body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        using var git = Process.Start(info)!;
        body.Position = 0;
        var feed = Task.Run(async () => { await body.CopyToAsync(git.StandardInput.BaseStream); git.StandardInput.Close(); });
        using var output = new MemoryStream();
        var errors = git.StandardError.ReadToEndAsync();
        await git.StandardOutput.BaseStream.CopyToAsync(output);
        await feed;
        await errors;
        await git.WaitForExitAsync();
        var bytes = output.ToArray();
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        foreach (var line in Encoding.ASCII.GetString(bytes, 0, end).Split("\r\n"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = (line[..colon], line[(colon + 1)..].Trim());
            if (name == "Status") context.Response.StatusCode = int.Parse(value[..3], System.Globalization.CultureInfo.InvariantCulture);
            else context.Response.Headers[name] = value;
        }

        await context.Response.Body.WriteAsync(bytes.AsMemory(end + 4));
    }
}
