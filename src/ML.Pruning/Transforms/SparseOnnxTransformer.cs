using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Export.Onnx.Rewriting;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Runs an ONNX model on each row, its sparse weights on the kernels. Made by
/// <see cref="SparseOnnxEstimator"/>.</summary>
public sealed class SparseOnnxTransformer : LlmTransformer
{
    internal const string LoaderSignature = "SparseOnnxTransformer";
    private const string ModelSignature = "SPRSONNX";
    private const string ModelEntry = "model.onnx";
    private static readonly JsonSerializerOptions s_json = new() { IncludeFields = true };
    private readonly SparseOnnxSession _session;
    private readonly OnnxValueInfo[] _inputs;
    private readonly Settings _settings;
    private readonly OnnxModelFiles _files;

    private SparseOnnxTransformer(
        IHostEnvironment env, SparseOnnxSession session, Settings settings, OnnxModelFiles files)
        : base(env, nameof(SparseOnnxTransformer))
    {
        _session = session;
        _settings = settings;
        _files = files;
        _inputs = [.. settings.Inputs.Select(name => Find(session.Inputs, name, "input"))];
        Inputs = [.. _inputs.Select(input => new StageColumn(input.Name, new VectorDataViewType(ItemType(input))))];
        Outputs =
        [
            .. settings.Outputs.Select(name => Find(session.Outputs, name, "output")).Select(output =>
            {
                int[] shape = settings.Shapes.GetValueOrDefault(output.Name, output.Dimensions);
                int[] known = shape.Length > 0 && shape.All(size => size > 0) ? shape : [0];
                return new StageColumn(output.Name, new VectorDataViewType(ItemType(output), known));
            }),
        ];
    }

    /// <summary>What was done with each node that has, or could have, a constant weight.</summary>
    public IReadOnlyList<SparseOnnxNode> Nodes => _settings.Nodes;

    /// <summary>Why the model runs as it is; null = its sparse weights were packed, or there are none.</summary>
    public string? WhyDense => _settings.WhyDense;

    internal override IReadOnlyList<StageColumn> Inputs { get; }

    internal override IReadOnlyList<StageColumn> Dependencies => Inputs;

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _session.Dispose();
        _files.Dispose();
    }

    internal static SparseOnnxTransformer Open(IHostEnvironment env, SparseOnnxEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.ModelFile);
        string folder = Directory.CreateTempSubdirectory("ml-pruning-onnx-").FullName;
        try
        {
            string packed = Path.Combine(folder, ModelEntry);
            IReadOnlyList<SparseOnnxNode> nodes = [];
            string? whyDense = SparseOnnxSession.WhyNot;
            SparseOnnxSession? opened = null;
            if (whyDense is null)
            {
                try
                {
                    nodes = SparseOnnxModel.Write(options.ModelFile, packed, Choose(options));
                    opened = SparseOnnxSession.OpenAsItIs(packed);
                }
                catch (Exception e) when (e is NotSupportedException or ModelFormatException)
                {
                    whyDense = e.Message;
                    nodes = [];
                }
            }

            string path = whyDense is null ? packed : options.ModelFile;
            SparseOnnxSession session = opened ?? SparseOnnxSession.OpenAsItIs(path);
            var settings = new Settings
            {
                Inputs = options.InputColumnNames ?? [.. session.Inputs.Select(input => input.Name)],
                Outputs = options.OutputColumnNames ?? [.. session.Outputs.Select(output => output.Name)],
                Shapes = new(options.ShapeDictionary ?? new Dictionary<string, int[]>(), StringComparer.Ordinal),
                Nodes = [.. nodes],
                WhyDense = whyDense,
            };
            var files = new OnnxModelFiles(path);
            settings.DataFiles = files.DataNames;
            return new SparseOnnxTransformer(env, session, settings, files);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static SparseOnnxOptions Choose(SparseOnnxEstimator.Options options)
    {
        if (!options.Measure) return options.Packing;
        var file = new OnnxGraphFile(options.ModelFile);
        var shapes = (options.ShapeDictionary ?? new Dictionary<string, int[]>())
            .Where(shape => file.Inputs.Contains(shape.Key) && !file.Initializers.ContainsKey(shape.Key))
            .ToDictionary(shape => shape.Key, shape => shape.Value.Select(size => (long)size).ToArray());
        return SparseOnnxSelection.Measure(options.ModelFile, options.Packing, shapes);
    }

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override void Save(ModelSaveContext ctx)
    {
        MLNetInternals.BeginSave(ctx, ModelSignature, LoaderSignature, JsonSerializer.Serialize(_settings, s_json));
        _files.Save(ctx);
    }

    private static SparseOnnxTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Settings settings = StagePayload.ReadOptions<Settings>(
            MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature), s_json);
        var files = OnnxModelFiles.Load(ctx, MLNetInternals.GetTempFolder(env), settings.DataFiles);
        bool isOpen = false;
        try
        {
            var stage = new SparseOnnxTransformer(env, SparseOnnxSession.OpenAsItIs(files.ModelFile), settings, files);
            files.Release();
            isOpen = true;
            return stage;
        }
        finally
        {
            if (!isOpen) files.Dispose();
        }
    }

    private static OnnxValueInfo Find(IReadOnlyList<OnnxValueInfo> values, string name, string what) =>
        values.FirstOrDefault(value => value.Name == name) ?? throw new ArgumentException(
            $"The ONNX model has no {what} '{name}'; it has {string.Join(", ", values.Select(value => value.Name))}.");

    private static PrimitiveDataViewType ItemType(OnnxValueInfo value) =>
        value.ElementType == typeof(float) ? NumberDataViewType.Single
        : value.ElementType == typeof(long) ? NumberDataViewType.Int64
        : throw new NotSupportedException($"'{value.Name}' of the ONNX model is "
            + $"{value.ElementType?.Name ?? "no tensor"}; columns hold tensors of Single and Int64.");

    // The dimensions of a row's values: those given, else the model's, an open first one 1, another open one what is
    // left.
    private long[] ShapeOf(OnnxValueInfo input, int length)
    {
        long[] shape = [.. _settings.Shapes.GetValueOrDefault(input.Name, input.Dimensions).Select(size => (long)size)];
        if (shape.Count(size => size < 1) > 1 && shape[0] < 1) shape[0] = 1;
        long known = shape.Where(size => size > 0).Aggregate(1L, (product, size) => product * size);
        int open = Array.FindIndex(shape, size => size < 1);
        if (open >= 0) shape[open] = length / known;
        return shape.Aggregate(1L, (product, size) => product * size) == length ? shape
            : throw new InvalidOperationException($"A row's '{input.Name}' has {length} values, which do not fill "
                + $"[{string.Join(", ", input.Dimensions)}]; give its dimensions in ShapeDictionary.");
    }

    internal sealed class Settings
    {
        public string[] Inputs = [];
        public string[] Outputs = [];
        public Dictionary<string, int[]> Shapes = [];
        public string[] DataFiles = [];
        public SparseOnnxNode[] Nodes = [];
        public string? WhyDense;
    }

    private sealed class Computer(SparseOnnxTransformer stage, DataViewRow row, int capacity) : IRowComputer
    {
        private readonly Func<Array>[] _read =
            [.. stage.Inputs.Select(column =>
                IsSingle(column) ? Reader<float>(row, column) : Reader<long>(row, column))];

        private readonly Array[][] _inputs = new Array[capacity][];
        private readonly Array[][] _outputs = new Array[capacity][];

        public void Read(int slot) => _inputs[slot] = [.. _read.Select(read => read())];

        public void Compute(int count)
        {
            for (int slot = 0; slot < count; slot++)
            {
                Array[] values = _inputs[slot];
                _outputs[slot] = stage._session.Run(
                    [.. stage._inputs.Select(
                        (input, i) => (input.Name, values[i], stage.ShapeOf(input, values[i].Length)))],
                    stage._settings.Outputs);
            }
        }

        public Delegate CreateGetter(int output, Func<int> currentSlot) =>
            IsSingle(stage.Outputs[output])
                ? Getter<float>(output, currentSlot) : Getter<long>(output, currentSlot);

        private static bool IsSingle(StageColumn column) =>
            ((VectorDataViewType)column.Type).ItemType.RawType == typeof(float);

        private static Func<Array> Reader<T>(DataViewRow row, StageColumn column)
        {
            ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column.Find(row.Schema));
            VBuffer<T> buffer = default;
            return () =>
            {
                getter(ref buffer);
                return buffer.DenseValues().ToArray();
            };
        }

        private ValueGetter<VBuffer<T>> Getter<T>(int output, Func<int> currentSlot) => (ref VBuffer<T> value) =>
        {
            var values = (T[])_outputs[currentSlot()][output];
            value = new VBuffer<T>(values.Length, [.. values]);
        };
    }
}
