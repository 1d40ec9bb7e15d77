using System.CommandLine;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options of <c>recover --method lora</c>.</summary>
internal sealed class LoraArguments
{
    private readonly Option<int> _rank = new("--rank")
    {
        Description = "lora: rank of the updates.",
        DefaultValueFactory = _ => new LoraOptions().Rank,
    };
    private readonly Option<double> _alpha = new("--alpha")
    {
        Description = "lora: updates are multiplied by alpha / rank.",
        DefaultValueFactory = _ => new LoraOptions().Alpha,
    };
    private readonly Option<double> _dropout = new("--dropout")
    {
        Description = "lora: probability that an input of an adapter is left out in training.",
        DefaultValueFactory = _ => new LoraOptions().Dropout,
    };
    private readonly Option<string> _targets = new("--targets")
    {
        Description = "lora: linear maps by the end of their name, separated by commas, such as q_proj,v_proj; or "
            + "all-linear.",
        DefaultValueFactory = _ => LoraOptions.AllLinear,
    };
    private readonly Option<bool> _rsLora = new("--rslora")
    {
        Description = "lora: divide alpha by the root of the rank.",
    };
    private readonly Option<bool> _dora = new("--dora")
    {
        Description = "lora: train the lengths of weight rows apart (DoRA).",
    };
    private readonly Option<bool> _keepAdapter = new("--keep-adapter")
    {
        Description = "lora: write the weights as they were and the adapter beside them (in a folder: adapter/, in the "
            + "layout of PEFT), instead of merging.",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all = [_rank, _alpha, _dropout, _targets, _rsLora, _dora, _keepAdapter];
        foreach (Option option in all) command.Options.Add(option);
    }

    /// <summary>The options.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="training">How to train; given the method's defaults.</param>
    public LoraOptions Parse(ParseResult parse, Func<TrainingOptions, TrainingOptions> training) => new()
    {
        Rank = parse.GetValue(_rank),
        Alpha = parse.GetValue(_alpha),
        Dropout = parse.GetValue(_dropout),
        Targets = parse.GetValue(_targets)!.Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        RsLora = parse.GetValue(_rsLora),
        Dora = parse.GetValue(_dora),
        KeepAdapter = parse.GetValue(_keepAdapter),
        Training = training(new LoraOptions().Training),
    };
}
