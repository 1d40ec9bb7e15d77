using System.CommandLine;
using System.Globalization;
using ML.Pruning.Inference;

namespace ML.Pruning.Tool.Commands;

/// <summary>Arguments and options that several commands share. Each call makes a new one, because System.CommandLine
/// symbols belong to one command.</summary>
internal static class CommonOptions
{
    public static Argument<string> Model() => new("MODEL")
    {
        Description = "A Hugging Face folder (config.json, *.safetensors, tokenizer.json) or a saved .zip model.",
    };

    public static Option<bool> Json() => new("--json")
    {
        Description = "Print one JSON object on stdout.",
    };

    public static Option<bool> Force() => new("--force")
    {
        Description = "Replace the output if it exists.",
    };

    public static Option<string> Output() => new("--output", "-o")
    {
        Description = "Folder, or .zip file, to write.",
        Required = true,
    };

    public static Option<string?> Engine() => new("--engine")
    {
        Description = "What runs the model: torch or onnx (default: the best available).",
    };

    public static Option<string?> MemoryLimit() => new("--memory-limit")
    {
        Description = "Refuse, before anything is read, what is foreseen to take more memory, such as 8G or 500M (of "
            + "1024).",
    };

    /// <summary>A size in bytes: a number, with K, M, G or T for powers of 1024; null for null.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static long? ParseMemoryLimit(string? text)
    {
        if (text is null) return null;
        string number = text.TrimEnd('B', 'b').TrimEnd('i');
        int power = number.Length == 0 ? -1 : "KMGT".IndexOf(char.ToUpperInvariant(number[^1]));
        if (power >= 0) number = number[..^1];
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double size)
            && size is > 0 and < 1e6 || power < 0 && size > 0
            ? (long)(size * Math.Pow(1024, power + 1))
            : throw new UserErrorException($"--memory-limit is \"{text}\"; give a size such as 8G or 500M.");
    }

    public static EngineKind ParseEngine(string? name) => name is null ? EngineKind.Auto : EngineFactory.Parse(name);

    /// <summary>A member of an enumeration by its name.</summary>
    public static T ParseEnum<T>(string option, string text)
        where T : struct, Enum
    {
        string[] names = Enum.GetNames<T>();
        return names.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? Enum.Parse<T>(text, ignoreCase: true)
            : throw new UserErrorException($"{option} is \"{text}\"; supported: "
                + $"{string.Join(", ", names.Select(n => n.ToLowerInvariant()))}.");
    }
}
