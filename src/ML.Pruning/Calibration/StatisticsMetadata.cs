using System.Globalization;
using ML.Pruning.Models;

namespace ML.Pruning.Calibration;

/// <summary>The metadata of a file of statistics.</summary>
internal static class StatisticsMetadata
{
    /// <summary>Hash of the model.</summary>
    public const string Model = "mlpruning.statistics.model";

    /// <summary>What was gathered, as the number of <see cref="StatisticsNeeds"/>.</summary>
    public const string Needs = "mlpruning.statistics.needs";

    /// <summary>Number of windows.</summary>
    public const string Windows = "mlpruning.statistics.windows";

    /// <summary>Tokens in a window.</summary>
    public const string WindowLength = "mlpruning.statistics.windowLength";

    /// <summary>Hash of the windows' tokens.</summary>
    public const string WindowHash = "mlpruning.statistics.windowHash";

    /// <summary>In what the model computed.</summary>
    public const string Precision = "mlpruning.statistics.precision";

    /// <summary>The metadata of a run.</summary>
    public static Dictionary<string, string> Of(
        LanguageModel model, TokenWindows windows, StatisticsNeeds needs, ComputePrecision precision) => new()
        {
            [Model] = model.ContentHash,
            [Needs] = ((int)needs).ToString(CultureInfo.InvariantCulture),
            [Windows] = windows.Count.ToString(CultureInfo.InvariantCulture),
            [WindowLength] = windows.Length.ToString(CultureInfo.InvariantCulture),
            [WindowHash] = windows.Hash(),
            [Precision] = precision.ToString().ToLowerInvariant(),
        };
}
