using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Recovery;
using ML.Pruning.Sparsity;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Masks that change in training: what goes is forgotten, what comes back starts at 0; by
/// definition.</summary>
[TestClass]
public class MaskKeeperTests
{
    private const string Name = "layers.0.mlp.up_proj.weight";

    [TestMethod]
    public void Run_MaskThatSwaps_ForgetsWhatGoesAndRegrowsFromZero()
    {
        using LanguageModel start = TinyTraining.Model();
        using TorchDecoder decoder = TorchDecoder.Load(start);
        Parameter parameter = decoder.named_parameters().Single(p => p.name == Name).parameter;
        using var parameters = new TrainedParameters([(Name, parameter)],
            new TrainingOptions { LearningRate = 0.01, Steps = 3 });
        using var keeper = new MaskKeeper([(Name, parameter)], new Swapping());
        TrainingExamples examples = TrainingExamples.FromWindows(TinyTraining.Windows());
        var objective = new NextTokenObjective(decoder);
        int half = (int)parameter.numel() / 2;
        for (int step = 0; step < 3; step++)
        {
            parameters.ClearGradients();
            using (DisposeScope scope = NewDisposeScope()) objective.Loss(examples.Batch([0, 1, 2])).backward();
            keeper.GradientsReady(step);

            // Even steps remove the first half, odd ones the second.
            float[] gradient = new float[2 * half];
            using (Tensor tensor = parameter.grad!) TorchWeights.CopyTo(tensor, gradient);
            float[] weights = parameters.Values()[0];
            Range gone = step % 2 == 0 ? ..half : half.., kept = step % 2 == 0 ? half.. : ..half;
            Assert.IsTrue(weights[gone].All(w => w == 0), $"{step}");
            Assert.IsTrue(gradient[gone].All(g => g == 0), $"{step}");
            Assert.IsTrue(gradient[kept].Any(g => g != 0), $"{step}");
            if (step > 0) Assert.IsTrue(weights[kept].All(w => w == 0), $"{step}");

            parameters.Step();
            keeper.WeightsMoved(step, parameters);
            TrainedParameters.Snapshot after = parameters.TakeSnapshot();
            Assert.IsTrue(after.Values[0][gone].All(w => w == 0), $"{step}");
            Assert.IsTrue(after.Means[0][gone].All(m => m == 0), $"{step}");
            Assert.IsTrue(after.Squares[0][gone].All(m => m == 0), $"{step}");
            Assert.IsTrue(after.Values[0][kept].Any(w => w != 0), $"{step}");
            Assert.AreEqual(0.5, keeper.Sparsity!.Value, 1e-12);
        }
    }

    [TestMethod]
    public void Load_Saved_RestoresMasks()
    {
        using var parameter = new Parameter(ones(2, 4));
        using var keeper = new MaskKeeper([("w", parameter)], new Swapping());
        parameter.grad = ones(2, 4);
        keeper.GradientsReady(0);
        IReadOnlyDictionary<string, float[]> saved = keeper.Save();
        keeper.GradientsReady(1);
        keeper.Load(saved);
        CollectionAssert.AreEqual(new float[] { 0, 0, 0, 0, 1, 1, 1, 1 }, keeper.Save()["mask.w"]);
    }

    // Removes the first half of the rows at even steps and the second at odd ones.
    private sealed class Swapping : MaskUpdate
    {
        public override void Update(int step, IReadOnlyList<MaskedParameter> masks)
        {
            foreach (MaskedParameter mask in masks)
            {
                float[] kept = new float[mask.Count];
                kept.AsSpan(step % 2 == 0 ? kept.Length / 2 : 0, kept.Length / 2).Fill(1);
                mask.Change(WeightMask.FromNonZeros(kept, mask.Rows, mask.Columns));
            }
        }
    }
}
