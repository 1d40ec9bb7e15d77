using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Pruning;

/// <summary>What the tests of pruning share.</summary>
internal static class PrunedModels
{
    /// <summary>A context that writes into the test's own folder.</summary>
    public static PruningContext In(TestFolder folder) => new() { TempFolder = folder.Path };

    /// <summary>The stored bytes of a weight.</summary>
    public static byte[] Bytes(LanguageModel model, string name)
    {
        StoredTensor tensor = model.Weights[name];
        var bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
        return bytes;
    }

    /// <summary>A model with some weights replaced.</summary>
    public static LanguageModel With(LanguageModel model, IReadOnlyDictionary<string, float[]> changed)
    {
        Dictionary<string, StoredTensor> weights = model.Weights.ToDictionary(w => w.Key, w => w.Value);
        foreach ((string name, float[] values) in changed)
            weights[name] = new ArrayTensor(name, values, weights[name].Shape, weights[name].Type);
        return new LanguageModel(model.ToContent() with { Weights = weights });
    }

    /// <summary>The linear weights of all layers, in the order of the forward pass.</summary>
    public static ParameterSpec[] Linears(ModelSpec spec) =>
        [.. spec.Parameters().Where(p => p.Role == ParameterRole.Linear)];

    /// <summary>Fails unless the pruned weight is 0 where nothing is kept and the original elsewhere, bit by
    /// bit.</summary>
    public static void AssertMasked(LanguageModel original, LanguageModel pruned, string name, bool[] keep)
    {
        byte[] before = Bytes(original, name), after = Bytes(pruned, name);
        int size = before.Length / keep.Length;
        for (int i = 0; i < keep.Length; i++)
            if (!keep[i]) before.AsSpan(i * size, size).Clear();
        CollectionAssert.AreEqual(before, after, name);
    }
}
