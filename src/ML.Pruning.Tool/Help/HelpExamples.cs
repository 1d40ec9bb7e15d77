namespace ML.Pruning.Tool.Help;

/// <summary>Examples in the help of each command: what it does, and the command line.</summary>
internal static class HelpExamples
{
    /// <summary>The examples of a command.</summary>
    public static IReadOnlyList<(string What, string Line)> Of(string command) =>
        s_all.GetValueOrDefault(command, []);

    private static readonly Dictionary<string, (string, string)[]> s_all = new(StringComparer.Ordinal)
    {
        ["mlprune"] =
        [
            ("Prune half of the weights, and measure what it costs",
                "mlprune prune model --output pruned --method wanda --calibration text.jsonl --evaluate valid.jsonl"),
            ("Win back quality by training",
                "mlprune recover pruned --output recovered --method lora --train text.jsonl"),
        ],
        ["inspect"] = [("What a model is made of", "mlprune inspect model")],
        ["plan"] =
        [
            ("What 2:4 would do, from a bare config.json", "mlprune plan config.json --method magnitude --pattern 2:4"),
            ("What can only go together", "mlprune plan model --method llm-pruner --ratio 0.25 --explain"),
        ],
        ["prune"] =
        [
            ("Half of the weights, no text needed", "mlprune prune model --output pruned --method magnitude"),
            ("Two of four columns, by SparseGPT",
                "mlprune prune model --output pruned --method sparsegpt --pattern 2:4 --calibration text.jsonl"),
            ("60 %, more where it does less harm, as one file", "mlprune prune model --output pruned.zip --method "
                + "sparsegpt --sparsity 0.6 --allocation owl --calibration text.jsonl"),
            ("A quarter of the heads and neurons",
                "mlprune prune model --output smaller --method llm-pruner --ratio 0.25 --calibration text.jsonl"),
            ("With a page about the run", "mlprune prune model --output pruned --method wanda --calibration text.jsonl"
                + " --evaluate valid.jsonl --report run.html"),
        ],
        ["recover"] =
        [
            ("Low-rank adapters, merged; zeros stay",
                "mlprune recover pruned --output recovered --method lora --train text.jsonl"),
            ("All weights that are left, with the dense model as teacher",
                "mlprune recover pruned --output recovered --method sparse --train text.jsonl --teacher model "
                    + "--squarehead 1"),
        ],
        ["report"] = [("Two runs side by side", "mlprune report wanda.json sparsegpt.json --output runs.html")],
        ["eval"] =
            [("Perplexity in windows of 256 tokens", "mlprune eval pruned --data valid.jsonl --sequence-length 256")],
        ["generate"] =
        [
            ("The likeliest continuation", "mlprune generate pruned --prompt \"Once upon a time\""),
            ("A sampled one", "mlprune generate pruned --prompt \"Once\" --temperature 0.8 --top-p 0.9 --seed 7"),
        ],
        ["export"] =
        [
            ("For ONNX Runtime", "mlprune export pruned --format onnx --output pruned-onnx"),
            ("For ML.NET", "mlprune export pruned --format zip --output pruned.zip"),
            ("Sparse weights as bitmask and values",
                "mlprune export pruned --format safetensors --compressed --output pruned-small"),
        ],
        ["bench"] =
        [
            ("Tokens a second, and what each layer runs on", "mlprune bench pruned"),
            ("An ONNX file of any exporter", "mlprune bench model.onnx --shape x:1x3x224x224 --json"),
        ],
        ["completion"] = [("In this shell", "source <(mlprune completion bash)")],
    };
}
