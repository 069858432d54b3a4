using System.Text;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Real clients in the sandbox, real servers outside, and between them a password that the sandbox never has.</summary>
public sealed class DatabaseTests
{
    [Fact]
    public async Task Psql_works_with_SCRAM_over_TLS_and_never_has_the_password()
    {
        await using var servers = new DatabaseServers();
        await servers.StartPostgresAsync();
        using var home = await HomeAsync(servers, "postgres", "PGPASSWORD", 5432, ["--user", "app", "--database", "shop"]);
        var result = await home.ScriptAsync("""
            set -e
            psql -Atc "select current_user || ' ' || current_database()"
            PGPASSWORD= psql -w -Atc "select 'without a password'"
            psql "user=mallory host=$PGHOST sslmode=verify-full" -Atc "select 'verified as ' || current_user"
            psql "host=$PGHOST sslmode=disable" -Atc "select 'in the clear'"
            psql "$DATABASE_URL" -Atc "select 'by url'"
            psql -Atc "create table t as select g, repeat('x', 1000) s from generate_series(1, 20000) g" -c "\copy t to t.csv csv" -c "create table u (like t)" -c "\copy u from t.csv csv" -c "select count(*), sum(length(s)) from u"
            psql -d other -c "select 1" 2>&1 | grep -o "for the database shop alone"
            psql -h db2.moat.test -c "select 1" 2>&1 | grep -c "could not translate" || true
            timeout 10 psql -h 127.0.0.1 -c "select 1" 2>&1 | grep -o "server closed the connection" || true
            grep -rl "$PGPASSWORD" /proc/self/environ > /dev/null
            env; cat /proc/self/environ | tr '\0' '\n'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] expected = ["app shop", "without a password", "verified as app", "in the clear", "by url", "20000|20000000", "for the database shop alone", "server closed the connection"];
        foreach (var line in expected) Assert.Contains(line, result.Out, StringComparison.Ordinal);
        AssertNowhere(servers, home, result);
        var log = string.Concat(Directory.GetFiles(home.State, "*.jsonl", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.Contains("session.intent", log, StringComparison.Ordinal);
        Assert.Contains("the run has no grant for a database at 127.0.0.1:5432", log, StringComparison.Ordinal);
        var trace = await home.MoatAsync("trace", "--network", "-v");
        Assert.Contains("postgres://db.moat.test:5432/shop", trace.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_is_cancelled_and_an_old_server_gets_MD5()
    {
        await using var servers = new DatabaseServers();
        await servers.StartPostgresAsync("md5");
        using var home = await HomeAsync(servers, "postgres", "PGPASSWORD", 5432, ["--user", "app"]);
        var result = await home.ScriptAsync("""
            psql -d shop -c "select 'begun', pg_sleep(60)" > out 2>&1 &
            until psql -d shop -Atc "select count(*) from pg_stat_activity where query like '%begun%' and pid <> pg_backend_pid()" | grep -q 1; do :; done
            kill -INT $!
            wait $!
            cat out
            """);
        Assert.Contains("canceling statement due to user request", result.Out, StringComparison.Ordinal);
        AssertNowhere(servers, home, result);
    }

    [Fact]
    public async Task The_mariadb_client_works_over_TLS_and_cannot_change_the_user()
    {
        await using var servers = new DatabaseServers();
        await servers.StartMariaDbAsync();
        using var home = await HomeAsync(servers, "mysql", "MYSQL_PWD", 3306, ["--user", "app", "--database", "shop"]);
        home.Write(Path.Combine(home.Workspace, "change.py"), ChangeUser);
        var result = await home.ScriptAsync("""
            set -e
            mariadb -N -e "select concat(user(), ' ', database())" | sed 's/@.*127/ 127/'
            MYSQL_PWD= mariadb -u mallory -N -e "select concat('as ', substring_index(current_user(), '@', 1))"
            mariadb --ssl-ca=/etc/ssl/certs/ca-certificates.crt --ssl-verify-server-cert -N -e "select 'verified'"
            mariadb --skip-ssl -N -e "select 'in the clear'"
            mariadb -N -e "create table shop.t (s longtext); insert into shop.t values (repeat('y', 1000000)); insert into shop.t select s from shop.t; select sum(length(s)) from shop.t"
            seq 1 5000 > numbers; mariadb --local-infile=1 -N shop -e "create table n (i int); load data local infile 'numbers' into table n; select concat('loaded ', sum(i)) from n"
            mariadb -N nothere -e "select 1" 2>&1 | grep -o "the grant is for the database shop"
            python3 change.py
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] expected = ["as app", "verified", "in the clear", "2000000", "loaded 12502500", "the grant is for the database shop", "COM_CHANGE_USER is not passed"];
        foreach (var line in expected) Assert.Contains(line, result.Out, StringComparison.Ordinal);
        AssertNowhere(servers, home, result);
    }

    [Fact]
    public async Task Redis_cli_works_over_TLS_and_learns_no_password()
    {
        await using var servers = new DatabaseServers();
        await servers.StartRedisAsync();
        using var home = await HomeAsync(servers, "redis", "REDISCLI_AUTH", 6379, ["--user", "app", "--database", "3"]);
        var result = await home.ScriptAsync("""
            r="redis-cli -h $REDIS_HOST"
            $r ACL WHOAMI
            $r -3 PING
            redis-cli -u "$REDIS_URL" SET k "by url"; $r -n 3 GET k
            $r --tls --cacert /etc/ssl/certs/ca-certificates.crt ECHO verified
            env -u REDISCLI_AUTH $r CLIENT INFO | grep -o "db=3.*user=app" | sed 's/ .*user/ user/'
            head -c 300000 /dev/zero | tr '\0' z | $r -x SET big > /dev/null; $r STRLEN big
            $r CONFIG GET maxmemory
            for command in "CONFIG GET requirepass" "CONFIG GET *" "CONFIG GET require*" "ACL GETUSER app" "ACL LIST" "ACL SETUSER eve on nopass" "CONFIG SET requirepass x" "RESET" "REPLICAOF 127.0.0.1 1" "FAILOVER"; do
                echo "$command: $($r $command 2>&1 | head -n 1)"
            done
            $r EVAL "return redis.call('CONFIG', 'GET', 'requirepass')" 0 2>&1 | head -n 1
            $r EVAL "return redis.call('ACL', 'LIST')" 0 2>&1 | head -n 1
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] expected = ["app\n", "PONG", "by url", "verified", "db=3 user=app", "300000", "maxmemory"];
        foreach (var line in expected) Assert.Contains(line, result.Out, StringComparison.Ordinal);
        Assert.Equal(10, result.Out.Split('\n').Count(line => line.Contains(": ERR moat: ", StringComparison.Ordinal)));
        Assert.Equal(2, result.Out.Split('\n').Count(line => line.Contains("not allowed from script", StringComparison.Ordinal)));
        AssertNowhere(servers, home, result);
    }

    private const string ChangeUser = """
        import os, socket, struct
        s = socket.create_connection((os.environ["MYSQL_HOST"], 3306))
        def packet():
            head = b""
            while len(head) < 4: head += s.recv(4 - len(head))
            size = head[0] | head[1] << 8 | head[2] << 16
            body = b""
            while len(body) < size: body += s.recv(size - len(body))
            return body
        def send(number, body): s.sendall(struct.pack("<I", len(body))[:3] + bytes([number]) + body)
        packet()
        send(1, struct.pack("<IIB23x", 0x0008a209, 1 << 24, 33) + b"mallory\0" + b"\0" + b"\0" + b"mysql_native_password\0")
        print("logged in", packet()[0])
        send(0, b"\x03select 1")
        for _ in range(5): last = packet()
        send(0, b"\x11other\0" + b"\0" + b"shop\0" + b"\x21\0")
        print(packet())
        """;

    /// <summary>A home with the grant, and a configuration whose name leads to the server.</summary>
    private static async Task<MoatHome> HomeAsync(DatabaseServers servers, string kind, string variable, int port, string[] options)
    {
        var home = new MoatHome("self");
        home.Write(home.ConfigFile, $$"""
            name: database
            grants: ["{{kind}}:{{DatabaseServers.Host}}"]
            network:
              policy: strict
              registries: false
              resolve: { {{DatabaseServers.Host}}: "127.0.0.1:{{servers.Port}}" }
            """);
        home.Env[variable] = servers.Password;
        var granted = await home.MoatAsync(["grant", kind, "--host", DatabaseServers.Host, "--port", $"{port}", "--ca", servers.AuthorityFile, .. options]);
        home.Env.Remove(variable);
        Assert.True(granted.ExitCode == 0, granted.ToString());
        return home;
    }

    private static void AssertNowhere(DatabaseServers servers, MoatHome home, Result result)
    {
        var secret = Encoding.ASCII.GetBytes(servers.Password);
        byte[][] forms = [secret, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret)), Encoding.ASCII.GetBytes(Convert.ToBase64String(secret)[..^4])];
        foreach (var form in forms)
        {
            Assert.True(Encoding.UTF8.GetBytes(result.ToString()).AsSpan().IndexOf(form) < 0, "the password stands in the output");
            foreach (var file in home.FilesLeft()) Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(form) < 0, $"the password stands in {file}");
        }
    }
}
