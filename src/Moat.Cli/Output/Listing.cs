using Moat.Runs;
using Spectre.Console;

namespace Moat.Cli.Output;

/// <summary>A table for a person: drawn on a terminal, plain aligned columns elsewhere. Every cell is neutralised.</summary>
internal sealed class Listing(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(cell => Printable.Text(cell))]);

    public void Print(string whenEmpty)
    {
        if (_rows.Count == 0)
        {
            Console.Out.WriteLine(whenEmpty);
            return;
        }

        if (Console.IsOutputRedirected) PrintPlain();
        else PrintTable();
    }

    private void PrintTable()
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var column in columns) table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(column)}[/]")).NoWrap());
        foreach (var row in _rows) table.AddRow([.. row.Select(cell => new Text(cell))]);
        AnsiConsole.Write(table);
    }

    private void PrintPlain()
    {
        var widths = columns.Select((column, i) => Math.Max(column.Length, _rows.Max(row => row[i].Length))).ToArray();
        foreach (var row in _rows.Prepend(columns))
            Console.Out.WriteLine(string.Join("  ", row.Select((cell, i) => i == row.Length - 1 ? cell : cell.PadRight(widths[i]))).TrimEnd());
    }
}
