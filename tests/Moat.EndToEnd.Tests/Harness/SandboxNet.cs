namespace Moat.EndToEnd.Tests.Harness;

/// <summary>A hostile agent's tools: python functions that speak to the gateway byte by byte.</summary>
internal static class SandboxNet
{
    /// <summary>The module <c>net</c>; a script in the workspace imports all of it.</summary>
    public static void Put(Scene scene) => scene.Put("net.py", Module);

    /// <summary>Runs a python script that has the module.</summary>
    public static async Task<string[]> RunAsync(Scene scene, string script)
    {
        Put(scene);
        scene.Put("attack.py", "from net import *\n" + script);
        var result = await scene.Home.ScriptAsync("/usr/bin/python3 attack.py");
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Out.TrimEnd('\n').Split('\n');
    }

    private const string Module = """
        import os, socket, ssl, struct
        PROXY = ("127.0.0.1", 3128)

        def dial(address, family=socket.AF_INET):
            s = socket.socket(family, socket.SOCK_STREAM)
            s.settimeout(20)
            s.connect(address)
            return s

        def head(s):
            got = b""
            while b"\r\n\r\n" not in got:
                part = s.recv(1)
                if not part: break
                got += part
            return got

        # A tunnel through the proxy; what it answered.
        def tunnel(target):
            s = dial(PROXY)
            s.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            return s, status(head(s))

        def status(got):
            return got.split(b"\r\n")[0].decode("latin-1") or "closed"

        # TLS that trusts the run's authority, as a client would.
        def tls(s, sni, alpn=None, check=True):
            c = ssl.create_default_context()
            if not check:
                c.check_hostname = False
                c.verify_mode = ssl.CERT_NONE
            if alpn: c.set_alpn_protocols(alpn)
            return c.wrap_socket(s, server_hostname=sni)

        # Everything that the other side says until it closes.
        def all(s):
            got = b""
            try:
                while True:
                    part = s.recv(65536)
                    if not part: break
                    got += part
            except socket.timeout:
                got += b"\r\nSTILL OPEN"
            except OSError:
                pass
            return got

        def tell(s, data):
            try:
                s.sendall(data)
            except OSError:
                pass
            return all(s)

        def code(got):
            return got[9:12].decode() if got.startswith(b"HTTP/1.") else "closed" if not got else repr(got[:60])
        """;
}
