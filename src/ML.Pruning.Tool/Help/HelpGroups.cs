namespace ML.Pruning.Tool.Help;

/// <summary>Headings under which options stand in a command's help, by the options' names. An option that is under none
/// stands under "Options".</summary>
internal static class HelpGroups
{
    /// <summary>The heading of options without another.</summary>
    public const string Other = "Options";

    /// <summary>The headings, in their order.</summary>
    public static IReadOnlyList<(string Title, string[] Options)> All { get; } =
    [
        ("Input and output", ["--output", "--calibration", "--train", "--new-head", "--data", "--evaluate", "--prompt",
            "--format", "--compressed", "--dequantize", "--sparse-kernels", "--report", "--save-statistics",
            "--statistics", "--mask", "--save-allocation", "--force", "--resume", "--json"]),
        ("What goes", ["--method", "--sparsity", "--pattern", "--group", "--allocation", "--update", "--quantize",
            "--include", "--exclude", "--skip-indivisible", "--allow-nonfinite"]),
        ("Smaller shapes", ["--ratio", "--granularity", "--attention-layers", "--mlp-layers", "--importance",
            "--aggregation", "--global", "--normalization", "--weigh-by-cost", "--uniform", "--drop-layers",
            "--drop-first",
            "--drop-last", "--keep-layers", "--metric", "--structure", "--removed-heads", "--no-bias-compensation",
            "--target-key-value-heads", "--target-mlp-width", "--target-hidden-size", "--target-layers",
            "--orientation",
            "--round-to"]),
        ("Calibration", ["--calibration-samples", "--sequence-length", "--calibration-order", "--compute",
            "--calibration-storage"]),
        ("Single methods", ["--damping", "--block-size", "--norm", "--exponent", "--movement-steps",
            "--movement-batch-size", "--movement-learning-rate", "--movement-optimizer"]),
        ("LoRA", ["--rank", "--alpha", "--dropout", "--targets", "--rslora", "--dora", "--keep-adapter"]),
        ("Sparse fine-tuning", ["--prune", "--schedule", "--ramp-fraction", "--mask-interval", "--teacher",
            "--cross-entropy", "--squarehead", "--kl"]),
        ("Moving masks", ["--drop-fraction", "--update-interval", "--stop-fraction", "--backward-sparsity",
            "--score-learning-rate", "--score-optimizer", "--threshold", "--penalty", "--rounds", "--rewind-step"]),
        ("Training", ["--steps", "--batch-size", "--accumulation-steps", "--learning-rate", "--decay", "--warmup-steps",
            "--weight-decay", "--max-gradient-norm", "--validation-examples", "--validation-interval",
            "--early-stopping",
            "--checkpoint-interval"]),
        ("Generation", ["--max-new-tokens", "--temperature", "--top-k", "--top-p", "--min-p", "--repetition-penalty",
            "--stop"]),
        ("Plan", ["--context", "--explain", "--explain-group"]),
        ("Machine", ["--engine", "--memory-limit", "--threads", "--seed"]),
    ];

    /// <summary>The heading of an option.</summary>
    public static string Of(string option) =>
        All.Where(group => group.Options.Contains(option)).Select(group => group.Title).FirstOrDefault(Other);
}
