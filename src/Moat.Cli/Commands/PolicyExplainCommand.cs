using System.CommandLine;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Policy;
using Moat.Spec;
using Printable = Moat.Runs.Printable;

namespace Moat.Cli.Commands;

internal static class PolicyExplainCommand
{
    private static readonly Argument<string> s_file = new("file") { Description = "A Cedar policy" };
    private static readonly Option<string> s_action = new("--action") { Description = "NetworkConnect, HttpRequest, CredentialUse or McpCall", HelpName = "ACTION", DefaultValueFactory = static _ => "HttpRequest" };
    private static readonly Option<string> s_host = new("--host") { Description = "Host of the request", HelpName = "HOST", Required = true };
    private static readonly Option<int> s_port = new("--port") { Description = "Port of the request", HelpName = "PORT", DefaultValueFactory = static _ => 443 };
    private static readonly Option<string> s_method = new("--method") { Description = "Method of the request", HelpName = "METHOD", DefaultValueFactory = static _ => "GET" };
    private static readonly Option<string> s_path = new("--path") { Description = "Path of the request", HelpName = "PATH", DefaultValueFactory = static _ => "/" };
    private static readonly Option<string?> s_grant = new("--grant") { Description = "Grant, for CredentialUse", HelpName = "NAME" };
    private static readonly Option<string?> s_tool = new("--tool") { Description = "Tool, for McpCall", HelpName = "NAME" };
    private static readonly Option<string?> s_arguments = new("--arguments") { Description = "Arguments of the tool as a JSON object, for McpCall", HelpName = "JSON" };
    private static readonly Option<string> s_run = new("--run") { Description = "Name of the run that asks", HelpName = "NAME", DefaultValueFactory = static _ => "run" };

    public static Command Create()
    {
        var command = new Command("explain", "Decide one request and show the way to the answer; exit code 1 when it is denied") { s_file, s_action, s_host, s_port, s_method, s_path, s_grant, s_tool, s_arguments, s_run };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var path = parsed.GetValue(s_file)!;
        var file = PolicyFile.Read(PolicyFiles.Read(path), Path.GetFileName(path));
        var policy = RequestPolicy.Compile(file, parsed.GetValue(s_run)!, agent: "");
        if (!CanonicalHost.TryParse(parsed.GetValue(s_host), out var host, out var error)) throw new MoatException($"--host: {error}", "write --host api.example.org");
        if (parsed.GetValue(s_port) is < 1 or > 65535) throw new MoatException("--port is none from 1 to 65535", "write --port 443");
        var answer = policy.Explain(parsed.GetValue(s_action)!, host, parsed.GetValue(s_port), parsed.GetValue(s_method)!, parsed.GetValue(s_path)!, parsed.GetValue(s_grant), McpCallText.Of(parsed.GetValue(s_tool), parsed.GetValue(s_arguments)));
        if (parsed.GetValue(Globals.Json)) CliJson.Print(answer);
        else Show(answer);
        return answer.Decision.Allowed ? 0 : 1;
    }

    private static void Show(PolicyExplanation answer)
    {
        Console.Out.WriteLine(answer.Decision.Allowed ? "allowed" : "denied: " + Printable.Text(answer.Decision.Reason));
        if (!answer.Governed) Console.Out.WriteLine("  no statement speaks of this action, so the network rules alone decide");
        foreach (var step in answer.Determining) Console.Out.WriteLine($"  {Printable.Text(step.Effect)} by {Printable.Text(step.Rule)}");
        foreach (var failure in answer.Errors) Console.Out.WriteLine("  " + Printable.Text(failure));
        foreach (var group in answer.HostIsIn) Console.Out.WriteLine("  the host is in " + Printable.Text(group));
    }
}
