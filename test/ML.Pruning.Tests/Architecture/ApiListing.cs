using System.Text.RegularExpressions;

namespace ML.Pruning.Tests.Architecture;

/// <summary>Reads the shared listings of the real packages' public API.</summary>
/// <remarks>
/// Two layouts: types with their members indented below them under a line "######## AssemblyName", or one line
/// "declaring type TAB member" for each member and for the type itself.
/// </remarks>
internal static partial class ApiListing
{
    /// <summary>The types of one assembly by name.</summary>
    public static Dictionary<string, ApiType> Read(string file, string assembly)
    {
        Dictionary<string, ApiType> types = [];
        string section = assembly;
        ApiType? current = null;
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith("########", StringComparison.Ordinal))
            {
                section = line.Trim('#', ' ');
            }

            if (section != assembly || line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            string[] columns = line.Split('\t');
            string text = Plain(columns[^1].Trim());
            bool isMember = columns.Length == 2 ? Plain(columns[0]) == current?.Name : line[0] == ' ';
            if (isMember)
            {
                bool isInterface = current!.Kind == "interface";
                current.Members.Add(isInterface ? InterfaceModifiers().Replace(text, "") : text);
            }
            else
            {
                current = Declaration(text);
                types.Add(current.Name, current);
            }
        }

        return types;
    }

    // Details that reflection on a stand-in cannot or need not repeat.
    private static string Plain(string text)
    {
        text = text.Replace("[Obsolete] ", "", StringComparison.Ordinal);
        text = SystemNamespace().Replace(text, "");
        text = DefaultLiteral().Replace(text, "= null");
        text = FloatSuffix().Replace(text, "$1");
        for (string before = ""; before != text;)
        {
            before = text;
            text = NamedTuple().Replace(text, "($1)");
        }

        return text;
    }

    private static ApiType Declaration(string text)
    {
        if (Delegate().Match(text) is { Success: true } signature)
        {
            string[] member = [$"{signature.Groups["result"].Value} ({signature.Groups["parameters"].Value})"];
            return new ApiType(signature.Groups["name"].Value, "delegate", [], signature.Groups["where"].Value,
                [.. member]);
        }

        Match match = Type().Match(text);
        if (!match.Success)
        {
            throw new InvalidDataException($"Neither a type nor a member of one: '{text}'.");
        }

        IEnumerable<string> bases = SplitAtTopLevel(match.Groups["bases"].Value)
            .Where(name => !name.EndsWith("/*internal*/", StringComparison.Ordinal));
        return new ApiType(
            match.Groups["name"].Value, match.Groups["kind"].Value, [.. bases], match.Groups["where"].Value, []);
    }

    private static IEnumerable<string> SplitAtTopLevel(string list)
    {
        int depth = 0, start = 0;
        for (int i = 0; i < list.Length; i++)
        {
            depth += list[i] is '<' or '(' ? 1 : list[i] is '>' or ')' ? -1 : 0;
            if (depth == 0 && list[i] == ',')
            {
                yield return list[start..i].Trim();
                start = i + 1;
            }
        }

        if (start < list.Length)
        {
            yield return list[start..].Trim();
        }
    }

    [GeneratedRegex(@"\bSystem\.(?:\w+\.)*(?=\w)")]
    private static partial Regex SystemNamespace();

    [GeneratedRegex(@"= default(?=[,)\]])")]
    private static partial Regex DefaultLiteral();

    [GeneratedRegex(@"(= -?\d[\d.E+-]*)f(?=[,)\]])")]
    private static partial Regex FloatSuffix();

    [GeneratedRegex(@"\bValueTuple<([^<>]*,[^<>]*)>")]
    private static partial Regex NamedTuple();

    [GeneratedRegex(@"^public (abstract |static )?")]
    private static partial Regex InterfaceModifiers();

    [GeneratedRegex(@"^(?:public |protected )?delegate (?<result>.+?) (?<name>[\w.]+(?:<[^(]*>)?)"
        + @"\((?<parameters>.*)\)(?<where> where .*)?$")]
    private static partial Regex Delegate();

    [GeneratedRegex(
        @"^(?:public |protected )*(?:readonly |ref )*"
        + @"(?<kind>(?:sealed class|abstract class|static class|class|struct|interface|enum))"
        + @" (?<name>.+?)(?: : (?<bases>.+?))?(?<where> where .*)?$")]
    private static partial Regex Type();
}
