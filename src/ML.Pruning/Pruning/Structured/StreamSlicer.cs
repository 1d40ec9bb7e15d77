using System.Collections.Frozen;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Carries <see cref="SliceGpt"/> out, layer by layer.</summary>
/// <remarks>The windows run through the folded model in the directions that it had, projected onto what is kept: that
/// is the sliced model. Legend: D hidden size, d kept directions, Q [D, d] a basis.</remarks>
/// <param name="run">The run.</param>
/// <param name="method">The options.</param>
internal sealed class StreamSlicer(PruningRun run, SliceGpt method)
{
    private const int RowsPerPiece = 4096;
    private readonly ModelSpec _before = run.Plan.Before;
    private readonly ModelSpec _folded = run.Plan.Before.Folded();
    private readonly ModelSpec _after = run.Plan.After;
    private readonly StreamFolding _folding = new(run.Plan.Before, run.Weights);
    private readonly Random _random = new(method.Seed);
    private readonly Dictionary<string, StoredTensor> _weights = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> _files = [];
    private readonly List<SliceReport> _slices = [];

    /// <summary>Makes the sliced model and gives it to the run.</summary>
    public void Run()
    {
        try
        {
            double difference = Slice();
            LanguageModelContent content = run.Model.ToContent();
            run.Become(
                new LanguageModel(content with
                {
                    Spec = _after,
                    Weights = _weights,
                    Files = [.. content.Files, .. _files],
                    MaskedTensors = FrozenSet<string>.Empty,
                }),
                new StructureReport
                {
                    Before = _before,
                    After = _after,
                    Families = [new FamilyReport(GroupKind.Channel, -1, _before.HiddenSize,
                        [.. Enumerable.Range(_after.StreamWidth, _before.HiddenSize - _after.StreamWidth)])],
                    LargestLogitDifference = difference,
                    Slices = _slices,
                });
        }
        catch
        {
            foreach (SafetensorsFile file in _files) file.Dispose();
            throw;
        }
    }

    private double Slice()
    {
        using IDisposable noGradient = no_grad();
        using ResidualStream states = run.EmbedWindows();
        states.Update(_folding.Center);
        using var proof = new SlicedProof(_before, _after, _folded);
        StreamBasis input = Decide(states, -1, "embedding");
        try
        {
            StoreTables(input, proof);
            for (int layer = 0; layer < _before.Layers.Count; layer++)
            {
                using DisposeScope scope = NewDisposeScope();
                StreamBasis output = SliceLayer(layer, input, states, proof);
                input.Dispose();
                input = output;
                run.Report("rotate and slice", (layer + 1.0) / _before.Layers.Count);
            }
        }
        finally
        {
            input.Dispose();
        }

        StoreHead(proof);
        return proof.LargestDifference;
    }

    private StreamBasis SliceLayer(int layer, StreamBasis input, ResidualStream states, SlicedProof proof)
    {
        Dictionary<string, Tensor> folded = _folding.Layer(layer);
        Dictionary<string, StoredTensor> big = Singles(folded);
        foreach (string part in (string[])[TensorNames.QueryNorm, TensorNames.KeyNorm])
        {
            string name = TensorNames.Weight(layer, part);
            if (!run.Weights.TryGetValue(name, out StoredTensor? shared)) continue;
            big.Add(name, shared);
            _weights.Add(name, shared);
        }

        using TorchDecoderLayer module = TorchDecoderLayer.Load(_folded, layer, big, ScalarType.Float32);
        StreamBasis? middle = null;
        if (_before.ParallelResidual) states.Update(module.forward);
        else
        {
            states.Update(module.Attend);
            middle = Decide(states, layer, "attention");
            states.Update(module.Transform);
        }

        using (middle)
        {
            StreamBasis output = layer == _before.Layers.Count - 1
                ? StreamBasis.Identity(_before.HiddenSize)
                : Decide(states, layer, "layer");
            Dictionary<string, StoredTensor> small = Singles(Rotate(layer, folded, input, middle, output));
            foreach (string name in big.Keys.Where(name => !folded.ContainsKey(name))) small.Add(name, big[name]);
            proof.Pass(layer, module, small, middle, output);
            Store([.. small.Values.Where(t => !_weights.ContainsKey(t.Name))]);
            return output;
        }
    }

    // Chooses the basis and keeps of the signals what is in it.
    private StreamBasis Decide(ResidualStream states, int layer, string after)
    {
        StreamBasis basis = StreamBasis.Of(
            states, _before.HiddenSize, _after.StreamWidth, method.Orientation, _random);
        states.Update(basis.Project);
        _slices.Add(new SliceReport(layer, after, basis.LostEnergy));
        return basis;
    }

    // Maps that read the stream take Q on their columns, maps that write it Q^T on their rows.
    private Dictionary<string, Tensor> Rotate(int layer, Dictionary<string, Tensor> folded, StreamBasis input,
        StreamBasis? middle, StreamBasis output)
    {
        Tensor first = input.Directions, last = output.Directions, second = middle?.Directions ?? first;
        Tensor written = middle?.Directions ?? last;
        var rotated = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (LinearSpec linear in _folded.Linears(layer))
        {
            Tensor weight = folded[linear.WeightName];
            Tensor? bias = folded.GetValueOrDefault(linear.BiasName);
            bool writes = linear.Part is TensorNames.Output or TensorNames.Down;
            Tensor basis = linear.Part == TensorNames.Output ? written
                : linear.Part == TensorNames.Down ? last
                : linear.IsAttention ? first : second;
            rotated.Add(linear.WeightName, writes ? basis.t().matmul(weight) : weight.matmul(basis));
            if (bias is not null) rotated.Add(linear.BiasName, writes ? basis.t().matmul(bias) : bias);
        }

        Tensor[] stops = middle is null ? [first, last] : [first, second, last];
        IReadOnlyList<LinearSpec> shortcuts = _after.Shortcuts(layer);
        for (int i = 0; i < shortcuts.Count; i++)
            rotated.Add(shortcuts[i].WeightName, stops[i + 1].t().matmul(stops[i]));
        return rotated;
    }

    private void StoreTables(StreamBasis basis, SlicedProof proof)
    {
        var tables =
            new List<StoredTensor> { Table(TensorNames.Embedding, _before.VocabularySize, _folding.Embedding) };
        if (_before.Positions == PositionKind.Learned)
        {
            tables.Add(Table(TensorNames.PositionEmbedding, _before.ContextLength + _before.PositionOffset,
                _folding.Positions));
        }

        proof.Start(run.Weights, _folding, basis, tables.ToDictionary(t => t.Name));
        Store(tables);

        StoredTensor Table(string name, long rows, Func<long, long, Tensor> fold) =>
            Pieces(name, rows, _after.StreamWidth, (start, count) => fold(start, count).matmul(basis.Directions));
    }

    private void StoreHead(SlicedProof proof)
    {
        long rows = _before.VocabularySize;
        List<StoredTensor> head =
            [Pieces(TensorNames.Head, rows, _before.HiddenSize, (start, count) => _folding.Head(start, count).Weight)];
        if (_after.HeadBias)
            head.Add(Pieces(TensorNames.HeadBias, rows, null, (start, count) => _folding.Head(start, count).Bias!));
        proof.Finish(head.ToDictionary(t => t.Name));
        Store(head);
    }

    // A table made by some rows at a time.
    private StoredTensor Pieces(string name, long rows, int? columns, Func<long, long, Tensor> make)
    {
        var values = new float[rows * (columns ?? 1)];
        for (long start = 0; start < rows; start += RowsPerPiece)
        {
            run.CancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(RowsPerPiece, rows - start);
            TorchWeights.CopyTo(
                make(start, count), values.AsSpan((int)(start * (columns ?? 1)), (int)(count * (columns ?? 1))));
        }

        return new ArrayTensor(name, values, columns is { } width ? [rows, width] : [rows]);
    }

    private static Dictionary<string, StoredTensor> Singles(Dictionary<string, Tensor> tensors) =>
        tensors.ToDictionary(t => t.Key, t =>
        {
            var values = new float[t.Value.numel()];
            TorchWeights.CopyTo(t.Value, values);
            return (StoredTensor)new ArrayTensor(t.Key, values, t.Value.shape);
        }, StringComparer.Ordinal);

    // Weights keep the type that they have in the model; those on a grid become float32.
    private void Store(IReadOnlyList<StoredTensor> tensors)
    {
        StoredTensor like = run.Weights[TensorNames.Weight(0, TensorNames.Query)];
        TensorType type = like is QuantizedTensor ? TensorType.F32 : like.Type;
        SafetensorsFile file = SafetensorsWriter.WriteTemporary(run.TempFolder,
            [.. tensors.Select(t => new ArrayTensor(t.Name, t.ToArray(), t.Shape, type))], null, run.CancellationToken);
        _files.Add(file);
        foreach ((string name, MappedTensor tensor) in file.Tensors) _weights.Add(name, tensor);
    }
}
