using CsCheck;

namespace Moat.Runs.Tests;

public class PrintableTests
{
    [Fact]
    public void A_line_printed_for_a_terminal_is_read_without_its_colours_title_and_tabs() =>
        Assert.Equal("a    red b", Printable.Line("\x1b]0;own title\x07" + "a\t\x1b[1;31mred\x1b[0m b"));

    [Fact]
    public void Lines_of_a_message_stay_lines_and_what_they_quote_is_shown_not_obeyed() =>
        Assert.Equal("two runs:\n  \\u001b[2J\\u202eevil", Printable.Lines("two runs:\n  \x1b[2J\u202eevil"));

    [Fact]
    public void No_control_character_survives_whatever_stands_around_it() =>
        Gen.Char["\x1b[]0;7m\x07\x9b\\\t\r\u202e\u2066aé"].Array[0, 40].Select(characters => new string(characters)).Sample(text =>
        {
            foreach (var shown in (string[])[Printable.Text(text), Printable.Line(text), Printable.Lines(text)])
                Assert.DoesNotContain(shown, character => char.IsControl(character) || character is '\u202e' or '\u2066');
        });
}
