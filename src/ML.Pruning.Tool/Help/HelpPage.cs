using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Text;

namespace ML.Pruning.Tool.Help;

/// <summary>The help of a command: options under headings, with values, defaults and examples.</summary>
/// <param name="command">The command.</param>
/// <param name="width">Columns that a line may take.</param>
internal sealed class HelpPage(Command command, int width)
{
    private const int Column = 30;
    private readonly StringBuilder _text = new();

    /// <summary>The page; lines end with a line feed.</summary>
    public override string ToString()
    {
        _text.Clear();
        Paragraph(command.Description ?? "", 0);
        Heading("Usage");
        Line("  " + Usage());
        Section("Commands", command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? "")));
        Section("Arguments", command.Arguments.Select(a => (a.Name, a.Description ?? "")));
        foreach (IGrouping<string, Option> group in Groups())
            Section(group.Key, group.Select(o => (Left(o), Right(o))));
        Examples();
        if (command is RootCommand) Footer();
        return _text.ToString();
    }

    private string Usage() => command is RootCommand
        ? "mlprune COMMAND [options]"
        : string.Join(' ', new[] { "mlprune", command.Name }
            .Concat(command.Arguments.Select(a => a.Arity.MaximumNumberOfValues > 1 ? a.Name + "..." : a.Name))
            .Concat(command.Options.Where(o => o.Required).Select(o => $"{o.Name} {Value(o)}")).Append("[options]"));

    private IEnumerable<IGrouping<string, Option>> Groups()
    {
        string[] order = [.. HelpGroups.All.Select(g => g.Title), HelpGroups.Other];
        return command.Options.Where(o => !o.Hidden).GroupBy(o => HelpGroups.Of(o.Name))
            .OrderBy(g => Array.IndexOf(order, g.Key));
    }

    private static string Left(Option option)
    {
        string names =
            string.Join(", ", option.Aliases.Where(a => a.StartsWith('-') && a.Length == 2).Append(option.Name));
        return Value(option) is { Length: > 0 } value ? $"{names} {value}" : names;
    }

    private static string Right(Option option)
    {
        string text = option.Description ?? "";
        if (option.Required) return text + " Required.";
        string? shown = Default(option);
        return shown is null || text.Contains("(default:", StringComparison.Ordinal) ? text
            : $"{text} [default: {shown}]";
    }

    private static string Value(Option option)
    {
        if (option.HelpName is { } name) return name;
        Type type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        if (type == typeof(bool) || type == typeof(void)) return "";
        if (type == typeof(int) || type == typeof(long)) return "N";
        return type == typeof(double) ? "X" : HelpValues.IsFile(option.Name) ? "FILE" : "VALUE";
    }

    private static string? Default(Option option) => !option.HasDefaultValue || option.ValueType == typeof(bool)
        ? null
        : option.GetDefaultValue() switch
        {
            null or "" => null,
            string text => text,
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            IEnumerable => null,
            object other => other.ToString(),
        };

    private void Examples()
    {
        IReadOnlyList<(string What, string Line)> examples =
            HelpExamples.Of(command is RootCommand ? "mlprune" : command.Name);
        if (examples.Count == 0) return;
        Heading("Examples");
        foreach ((string what, string line) in examples)
        {
            Line($"  # {what}");
            Line($"  {line}");
        }
    }

    private void Footer()
    {
        Heading("Exit codes");
        Line("  0  done");
        Line("  1  failed, or stopped");
        Line("  2  the input cannot be used; one line on stderr says what, where and what to do");
        Line("");
        Line("'mlprune COMMAND --help' tells more; results go to stdout, everything else to stderr.");
    }

    private void Section(string title, IEnumerable<(string Left, string Right)> rows)
    {
        bool first = true;
        foreach ((string left, string right) in rows)
        {
            if (first) Heading(title);
            first = false;
            string start = "  " + left;
            if (start.Length > Column - 2)
            {
                Line(start);
                start = "";
            }

            _text.Append(start.PadRight(Column));
            Paragraph(right, Column);
        }
    }

    private void Heading(string title)
    {
        Line("");
        Line(title + ":");
    }

    // Words up to the width, the first line going on where the text ends.
    private void Paragraph(string text, int indent)
    {
        int used = indent;
        bool isFirst = true;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!isFirst && used + 1 + word.Length > width)
            {
                _text.Append('\n').Append(' ', indent);
                used = indent;
                isFirst = true;
            }

            if (!isFirst) _text.Append(' ');
            used += word.Length + (isFirst ? 0 : 1);
            _text.Append(word);
            isFirst = false;
        }

        _text.Append('\n');
    }

    private void Line(string text) => _text.Append(text).Append('\n');
}
