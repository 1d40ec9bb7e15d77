using System.Globalization;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Calibration;

/// <summary>Calibration statistics of a model as it is, in a safetensors file: enough to prune it at any sparsity
/// without text and without running it.</summary>
/// <remarks>
/// <para>For each input of linear maps, under the canonical name <c>w</c> of the first map that takes it:
/// <c>w.input_squares</c> (F64 [features]), with Hessians <c>w.input_products</c> (F64, the upper triangle of
/// sum x x^T, row after row), with moments <c>w.input_sums</c>, <c>w.input_magnitudes</c> and <c>w.input_largest</c>;
/// with gradients, for each weight, <c>w.gradient</c> and so on. The metadata name the model, the windows and the
/// precision.</para>
/// <para>All layers see the activations of the model before pruning, unlike in a run with text, where a layer sees
/// those of the pruned layers before it.</para>
/// <para>Immutable and thread-safe; the file stays open until disposed or collected.</para>
/// </remarks>
public sealed class StatisticsFile : IDisposable
{
    private const string Squares = ".input_squares";
    private const string Products = ".input_products";
    private static readonly string[] s_moments = [".input_sums", ".input_magnitudes", ".input_largest"];

    private readonly SafetensorsFile _file;

    private StatisticsFile(SafetensorsFile file)
    {
        _file = file;
        Needs = (StatisticsNeeds)Number(StatisticsMetadata.Needs);
        Windows = (int)Number(StatisticsMetadata.Windows);
        WindowLength = (int)Number(StatisticsMetadata.WindowLength);
    }

    /// <summary>What was gathered.</summary>
    public StatisticsNeeds Needs { get; }

    /// <summary>Calibration windows that were run.</summary>
    public int Windows { get; }

    /// <summary>Tokens in a window.</summary>
    public int WindowLength { get; }

    /// <summary>SHA-256 of the windows' tokens (<see cref="TokenWindows.Hash"/>).</summary>
    public string WindowHash => Text(StatisticsMetadata.WindowHash);

    /// <summary>Hash of the model (<see cref="LanguageModel.ContentHash"/>).</summary>
    public string ModelHash => Text(StatisticsMetadata.Model);

    /// <summary>In what the model computed.</summary>
    public string Precision => Text(StatisticsMetadata.Precision);

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The statistics.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointFormatException">It is no safetensors file, or holds no statistics.</exception>
    public static StatisticsFile Open(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        StatisticsFile? statistics = null;
        try
        {
            return statistics = new StatisticsFile(file);
        }
        finally
        {
            if (statistics is null) file.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Refuses another model, or statistics that lack something.</summary>
    /// <exception cref="ArgumentException">They do not fit; the message says why.</exception>
    internal void RequireFor(LanguageModel model, StatisticsNeeds needs)
    {
        if ((needs & ~Needs) is var missing && missing != StatisticsNeeds.None)
        {
            throw new ArgumentException($"The statistics in {Show.Quote(_file.Path)} hold {Needs}, but {missing} is "
                + "needed too; save them again with this method.");
        }

        if (ModelHash != model.ContentHash)
        {
            throw new ArgumentException($"The statistics in {Show.Quote(_file.Path)} belong to another model (hash "
                + $"{Show.Quote(ModelHash)}, this one has '{model.ContentHash}').");
        }
    }

    /// <summary>The statistics of an input; the caller disposes them.</summary>
    /// <param name="input">The input.</param>
    /// <param name="needs">What to read.</param>
    /// <exception cref="CheckpointFormatException">A tensor is missing or does not fit.</exception>
    internal ActivationStatistics Read(LinearInput input, StatisticsNeeds needs)
    {
        string name = TensorNames.Weight(input.Layer, input.Parts[0]);
        var statistics = new ActivationStatistics(input.Features, needs, (long)Windows * WindowLength);
        DoubleTensor.Read(Tensor(name + Squares), statistics.Squares.Span);
        foreach ((string suffix, Memory<double> sums) in s_moments.Zip(statistics.MomentSums))
            DoubleTensor.Read(Tensor(name + suffix), sums.Span);
        if (!needs.HasFlag(StatisticsNeeds.Hessian)) return statistics;
        MappedTensor triangle = Tensor(name + Products);
        if (triangle.Type != TensorType.F64 || triangle.ElementCount != Triangle(input.Features))
        {
            throw new CheckpointFormatException($"{Show.Quote(_file.Path)}: {triangle} is no triangle of "
                + $"{input.Features} features.");
        }

        statistics.ReadHessian(triangle);
        return statistics;
    }

    /// <summary>The gradients of a weight.</summary>
    internal GradientStatistics ReadGradients(string name, int count, StatisticsNeeds needs) =>
        GradientTensors.Read(name, count, needs, _file.Tensors);

    /// <summary>Names, types and shapes of an input's tensors, in the order of <see cref="Write"/>.</summary>
    internal static IEnumerable<(string Name, TensorType Type, IReadOnlyList<long> Shape)> Declare(
        LinearInput input, StatisticsNeeds needs)
    {
        string name = TensorNames.Weight(input.Layer, input.Parts[0]);
        yield return (name + Squares, TensorType.F64, [input.Features]);
        if (needs.HasFlag(StatisticsNeeds.Moments))
            foreach (string suffix in s_moments) yield return (name + suffix, TensorType.F64, [input.Features]);
        if (needs.HasFlag(StatisticsNeeds.Hessian))
            yield return (name + Products, TensorType.F64, [Triangle(input.Features)]);
    }

    /// <summary>Writes an input's tensors.</summary>
    internal static void Write(SafetensorsStreamWriter writer, LinearInput input, ActivationStatistics statistics,
        CancellationToken cancellationToken)
    {
        string name = TensorNames.Weight(input.Layer, input.Parts[0]);
        writer.Write(new DoubleTensor(name + Squares, statistics.Squares, [input.Features]), cancellationToken);
        foreach ((string suffix, Memory<double> sums) in s_moments.Zip(statistics.MomentSums))
            writer.Write(new DoubleTensor(name + suffix, sums, [input.Features]), cancellationToken);
        if (statistics.HasHessian) statistics.WriteHessian(writer.Start(name + Products));
    }

    private static long Triangle(long features) => features * (features + 1) / 2;

    private MappedTensor Tensor(string name) => _file.Tensors.GetValueOrDefault(name)
        ?? throw new CheckpointFormatException($"{Show.Quote(_file.Path)} lacks the statistics {Show.Quote(name)}.");

    private string Text(string key) => _file.Metadata.GetValueOrDefault(key)
        ?? throw new CheckpointFormatException(
            $"{Show.Quote(_file.Path)} holds no calibration statistics (its metadata lack '{key}').");

    private long Number(string key) =>
        long.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
        && value is > 0 and <= int.MaxValue
            ? value
            : throw new CheckpointFormatException(
                $"{Show.Quote(_file.Path)}: {key} is {Show.Quote(Text(key))}; expected is a positive number.");
}
