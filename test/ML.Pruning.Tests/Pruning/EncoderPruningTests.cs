using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Models.Families;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Each kind of method on encoders. Structured methods prove in every run that removing equals zero-masking;
/// the counts are worked out from the shapes.</summary>
[TestClass]
public sealed class EncoderPruningTests
{
    public static IEnumerable<object[]> Names => FamilyConfigs.Encoders.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Prune_MethodsThatSetZeros_ReachTheirSparsity(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name);
        foreach (PruningMethod method in (PruningMethod[])
            [
                new Magnitude(), new RandomPruning(), new ActivationNormPruning(ActivationNorm.L1),
                new SparseGpt { Pattern = new NofMPattern(2, 4) }, new Wanda { Pattern = new NofMPattern(2, 4) },
            ])
        {
            using LanguageModel pruned =
                Pruner.PruneWithWindows(model, method, Windows(model.Spec), PrunedModels.In(folder)).Model;
            foreach (ParameterSpec p in model.Spec.Parameters())
            {
                long zeros = pruned.Weights[p.Name].ToArray().LongCount(w => w == 0);
                Assert.AreEqual(p.Role == ParameterRole.Linear ? p.Count / 2 : 0, zeros, $"{method.Name}, {p.Name}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Prune_HeadsAndNeurons_LeavesASmallerModelThatRuns(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name);
        var all = new LayerRange(0, 1);
        foreach (PruningMethod method in (PruningMethod[])
            [
                new LlmPruner
                {
                    Importance = GroupImportance.L1, Ratio = 0.25, AttentionLayers = all, MlpLayers = all,
                },
                new Flap { Ratio = 0.25 },
            ])
        {
            using LanguageModel pruned =
                Pruner.PruneWithWindows(model, method, Windows(model.Spec), PrunedModels.In(folder)).Model;
            Assert.IsLessThan(model.Spec.ParameterCount, pruned.Spec.ParameterCount, method.Name);
            Assert.IsTrue(FamilyFolder.Logits(pruned, RandomModel.Tokens(model.Spec, 9)).All(float.IsFinite));
            if (method is not LlmPruner) continue;

            // A head of 4 of 16 and 6 of 24 neurons go in each of two layers.
            int head = 4 * (3 * (16 + 1) + 16), neurons = 6 * (16 + 1 + 16);
            Assert.AreEqual(model.Spec.ParameterCount - 2 * (head + neurons), pruned.Spec.ParameterCount);
        }
    }

    [TestMethod]
    public void Prune_MethodsThatNeedTheNextToken_AreRefused()
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create("bert");
        Assert.ThrowsExactly<NotSupportedException>(() => Pruner.PruneWithWindows(
            model, new TaylorPruning(), Windows(model.Spec), PrunedModels.In(folder)));
        Assert.ThrowsExactly<PruningException>(() => new SliceGpt().Plan(model.Spec));
    }

    private static TokenWindows Windows(ModelSpec spec) =>
        TokenWindows.FromTokens(RandomModel.Tokens(spec, 6 * 16, seed: 8), 16);
}
