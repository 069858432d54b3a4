namespace Moat.Gateway.Databases;

/// <summary>Why a session with a database ends before it began, or is cut. The message is for the client and the record; it holds no secret.</summary>
internal sealed class SessionException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True: the client knows the reason already.</summary>
    public bool IsTold { get; private init; }

    /// <summary>The server's own words were passed to the client.</summary>
    public static SessionException RefusedByServer() => new("the server refused the login") { IsTold = true };

    public static SessionException Malformed(string what) => new($"{what} is malformed");
}
