// Hands a fuzzer's bytes to one target: Moat.Fuzz TARGET. With files behind it, runs the target on each of them once.
using Moat.Audit.Tests;
using Moat.Configuration.Tests;
using Moat.Gateway.Tests;
using Moat.Gateway.Tests.Dns;
using Moat.Policy.Tests;
using SharpFuzz;

ReadOnlySpanAction? target = args.FirstOrDefault() switch
{
    "audit" => AuditFuzz.Reader,
    "connect" => DoorFuzz.Connect,
    "dns" => DnsFuzz.Responder,
    "frames" => DoorFuzz.Frames,
    "policy" => PolicyFuzz.Run,
    "yaml" => YamlFuzz.Parse,
    _ => null,
};
if (target is null)
{
    Console.Error.WriteLine("usage: Moat.Fuzz audit|connect|dns|frames|policy|yaml [FILE...]");
    return 2;
}

if (args.Length == 1)
{
    Fuzzer.OutOfProcess.Run(stream =>
    {
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        target(bytes.ToArray());
    });
    return 0;
}

foreach (var file in args[1..]) target(File.ReadAllBytes(file));
Console.WriteLine($"{args.Length - 1} inputs, none of them broke {args[0]}");
return 0;
