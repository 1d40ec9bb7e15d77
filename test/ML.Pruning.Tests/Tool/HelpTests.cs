using System.CommandLine;
using System.Text.RegularExpressions;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tool;
using ML.Pruning.Tool.Help;

namespace ML.Pruning.Tests.Tool;

/// <summary>Help, completion and errors, as a user meets them.</summary>
[TestClass]
[DoNotParallelize]
public sealed class HelpTests
{
    private static readonly RootCommand s_root = CommandLine.CreateRoot();

    public static IEnumerable<object[]> Commands => s_root.Subcommands.Select(c => new object[] { c.Name });

    [TestMethod]
    public async Task Help_OfTheTool_NamesEveryCommandAndTheExitCodes()
    {
        (int code, string output, string errors) = await RunAsync("--help");
        Assert.AreEqual(0, code);
        Assert.AreEqual("", errors);
        foreach (Command command in s_root.Subcommands) StringAssert.Contains(output, $"  {command.Name} ");
        foreach (string text in new[] { "Usage:", "Examples:", "Exit codes:", "COMMAND --help" })
            StringAssert.Contains(output, text);
    }

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public async Task Help_OfACommand_ShowsEveryOptionOnceUnderAHeading(string name)
    {
        (int code, string output, _) = await RunAsync(name, "--help");
        Assert.AreEqual(0, code);
        Command command = s_root.Subcommands.Single(c => c.Name == name);
        foreach (Option option in command.Options)
        {
            Assert.HasCount(
                1, Regex.Matches(output, $@"(?m)^  (-\w, )?{option.Name}( [A-Z]+)?( |$)").ToArray(), option.Name);
            Assert.IsFalse(string.IsNullOrWhiteSpace(option.Description), option.Name);
        }

        foreach (string line in output.Split('\n'))
            Assert.IsLessThanOrEqualTo(150, line.Length, line);
        StringAssert.Contains(output, "Examples:");
    }

    [TestMethod]
    public async Task Help_OfPrune_ShowsDefaultsAndGroups()
    {
        (_, string output, _) = await RunAsync("prune", "--help");
        foreach (string heading in new[] { "Input and output:", "What goes:", "Smaller shapes:", "Calibration:",
            "Machine:" })
            StringAssert.Contains(output, heading);
        StringAssert.Contains(output, "[default: 128]");
        StringAssert.Contains(output, "[default: unstructured]");
        Assert.IsTrue(Regex.IsMatch(output, @"--output FILE\s+Folder, or \.zip file, to write\. Required\."), output);
    }

    [TestMethod]
    public void Groups_EveryOption_ExistsAndStandsOnce()
    {
        string[] known = [.. s_root.Subcommands.SelectMany(c => c.Options).Select(o => o.Name).Distinct()];
        string[] grouped = [.. HelpGroups.All.SelectMany(g => g.Options)];
        CollectionAssert.AllItemsAreUnique(grouped);
        CollectionAssert.IsSubsetOf(grouped, known);
    }

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void Examples_OfACommand_Parse(string name)
    {
        (string What, string Line)[] examples = [.. HelpExamples.Of(name), .. HelpExamples.Of("mlprune")];
        Assert.IsNotEmpty(HelpExamples.Of(name));
        foreach ((_, string line) in examples.Where(e => e.Line.StartsWith("mlprune ", StringComparison.Ordinal)))
        {
            ParseResult parsed = s_root.Parse(line["mlprune ".Length..]);
            Assert.IsEmpty(parsed.Errors, line + string.Join(' ', parsed.Errors.Select(e => e.Message)));
        }
    }

    [TestMethod]
    [DataRow("mlprune pr", "prune")]
    [DataRow("mlprune prune model --met", "--method")]
    [DataRow("mlprune prune model --method sp", "sparsegpt")]
    [DataRow("mlprune recover model --method ", "lora")]
    [DataRow("mlprune export model --format o", "onnx")]
    public async Task Completion_Line_IsCompleted(string line, string expected)
    {
        (int code, string output, _) = await RunAsync($"[suggest:{line.Length}]", line);
        Assert.AreEqual(0, code);
        CollectionAssert.Contains(output.Split('\n').Select(l => l.Trim()).ToArray(), expected, output);
    }

    [TestMethod]
    [DataRow("bash", "complete -o default -F _mlprune mlprune")]
    [DataRow("zsh", "compdef _mlprune mlprune")]
    [DataRow("pwsh", "Register-ArgumentCompleter")]
    public async Task Completion_Script_IsPrinted(string shell, string expected)
    {
        (int code, string output, _) = await RunAsync("completion", shell);
        Assert.AreEqual(0, code);
        StringAssert.Contains(output, expected);
    }

    [TestMethod]
    [DataRow("prune", "is required", "prune --help")]
    [DataRow("prune nowhere --output x --method magnitude", "nowhere")]
    [DataRow("prune MODEL --output x --method magnitud", "magnitud", "wanda")]
    [DataRow("prune MODEL --output x --method wanda", "--calibration")]
    [DataRow("prune MODEL --output x --method magnitude --sparsity 1.5", "1.5")]
    [DataRow("prune MODEL --output x --method magnitude --sparsity half", "half")]
    [DataRow("prune MODEL --output x --method magnitude --pattern 5:4", "5:4")]
    [DataRow("prune MODEL --output no/such/folder/x --method magnitude", "no/such/folder")]
    [DataRow("prune MODEL --output x --method magnitude --memory-limit lots", "lots")]
    [DataRow("plan MODEL --method llm-pruner --sparsity 0.5", "--ratio")]
    [DataRow("eval MODEL --data nowhere.jsonl", "nowhere.jsonl")]
    [DataRow("generate MODEL --engine cuda", "cuda", "onnx")]
    [DataRow("generate MODEL --temperature -1", "-1")]
    [DataRow("export MODEL --format gguf --output x", "gguf", "onnx")]
    [DataRow("report nowhere.json --output x.html", "nowhere.json")]
    [DataRow("completion fish", "fish", "bash")]
    [DataRow("prunes MODEL", "prunes", "'mlprune --help'")]
    [DataRow("inspect MODEL --jsn", "--jsn")]
    public async Task Run_BadInput_IsRefusedInOneLine(string line, params string[] mentioned)
    {
        using var model = new TinyModel();
        (int code, string output, string errors) = await RunAsync(
            [.. line.Split(' ').Select(word => word == "MODEL" ? model.Folder : word)]);
        Assert.AreEqual(2, code, errors);
        Assert.AreEqual("", output);
        Assert.AreEqual(1, errors.TrimEnd('\n').Split('\n').Length, errors);
        StringAssert.StartsWith(errors, "mlprune: ");
        foreach (string text in mentioned) StringAssert.Contains(errors, text);
        Assert.IsFalse(Path.Exists("x"));
    }

    [TestMethod]
    public async Task Run_JsonOfEveryCommand_IsOneObjectAlone()
    {
        using var model = new TinyModel();
        string folder = Directory.CreateTempSubdirectory("ml-pruning-json-").FullName;
        try
        {
            string report = Path.Combine(folder, "report.json");
            (string Line, string Key)[] runs =
            [
                ("inspect MODEL --json", "parameters"),
                ("plan MODEL --method magnitude --json", "peakMemoryBytes"),
                ($"prune MODEL --output {folder}/pruned --method magnitude --report {report} --json", "tensors"),
                ($"report {report} --output {folder}/report.html --json", "output"),
                ("generate MODEL --max-new-tokens 3 --json", "stopReason"),
                ($"export MODEL --format zip --output {folder}/model.zip --json", "bytes"),
            ];
            foreach ((string line, string key) in runs)
            {
                (int code, string output, string errors) = await RunAsync(
                    [.. line.Split(' ').Select(word => word == "MODEL" ? model.Folder : word)]);
                Assert.AreEqual(0, code, errors);
                Assert.IsTrue(
                    System.Text.Json.Nodes.JsonNode.Parse(output)!.AsObject().ContainsKey(key), line + output);
                if (line.StartsWith("prune", StringComparison.Ordinal))
                    StringAssert.Contains(errors, "Peak memory about");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        (TextWriter outBefore, TextWriter errorBefore) = (Console.Out, Console.Error);
        using StringWriter output = new(), errors = new();
        Console.SetOut(output);
        Console.SetError(errors);
        try
        {
            int code = await CommandLine.RunAsync(args);
            return (code, output.ToString(), errors.ToString());
        }
        finally
        {
            Console.SetOut(outBefore);
            Console.SetError(errorBefore);
        }
    }
}
