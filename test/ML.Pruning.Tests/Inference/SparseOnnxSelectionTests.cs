using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference;

[TestClass]
public sealed class SparseOnnxSelectionTests
{
    private const string Name = "ch_ppocr_mobile_v2.0_cls_infer.onnx";
    private static readonly Dictionary<string, long[]> s_shape = new() { ["x"] = [1, 3, 48, 192] };

    [TestInitialize]
    public void Start()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
    }

    // Property: every node that would be packed is measured, and the choice is what is written.
    [TestMethod]
    public void Measure_PrunedModel_TellsEveryNodeAndIsFollowed()
    {
        using var folder = new TestFolder();
        string path = folder["pruned.onnx"];
        PrunedOnnx.Write(PrunedOnnx.Find(Name), path, 0.8);
        SparseOnnxNode[] all = [.. SparseOnnxModel.Write(path, folder["all.onnx"]).Where(node => node.IsPacked)];

        SparseOnnxOptions options = SparseOnnxSelection.Measure(path, null, s_shape);
        IReadOnlyList<SparseOnnxNode> nodes = SparseOnnxModel.Write(path, folder["chosen.onnx"], options);

        CollectionAssert.AreEquivalent(
            all.Select(node => node.Name).ToArray(), options.Choices.Keys.ToArray());
        Assert.IsGreaterThan(all.Length * 3 / 4, options.Choices.Values.Count(choice => choice.Why.Contains("us, kernel")));
        foreach (SparseOnnxNode node in nodes.Where(node => options.Choices.ContainsKey(node.Name)))
        {
            Assert.AreEqual(options.Choices[node.Name].UsesKernel, node.IsPacked, node.Name);
            Assert.EndsWith(options.Choices[node.Name].Why, node.Why);
        }
    }

    [TestMethod]
    public void Measure_OpenShape_LeavesTheOptions()
    {
        using var folder = new TestFolder();
        PrunedOnnx.Write(PrunedOnnx.Find(Name), folder["pruned.onnx"], 0.8);
        var options = new SparseOnnxOptions { MinimumSize = 5000 };

        Assert.AreSame(options, SparseOnnxSelection.Measure(folder["pruned.onnx"], options));
        Assert.ThrowsExactly<ArgumentException>(() => SparseOnnxSelection.Measure(
            folder["pruned.onnx"], options, new Dictionary<string, long[]>(s_shape) { ["nothing"] = [1] }));
    }

    [TestMethod]
    public void Measure_ShapeThatTheModelCannotRun_LeavesTheOptions()
    {
        using var folder = new TestFolder();
        PrunedOnnx.Write(PrunedOnnx.Find(Name), folder["pruned.onnx"], 0.8);
        var options = new SparseOnnxOptions();

        Assert.AreSame(options, SparseOnnxSelection.Measure(
            folder["pruned.onnx"], options, new Dictionary<string, long[]> { ["x"] = [1, 4, 48, 192] }));
    }

    [TestMethod]
    public void Write_ChoiceOfOneNode_LeavesItWithTheReason()
    {
        using var folder = new TestFolder();
        PrunedOnnx.Write(PrunedOnnx.Find(Name), folder["pruned.onnx"], 0.8);
        string first = SparseOnnxModel.Write(folder["pruned.onnx"], folder["all.onnx"]).First(n => n.IsPacked).Name;
        var options = new SparseOnnxOptions
        {
            Choices = new Dictionary<string, SparseOnnxChoice> { [first] = new(false, "because") },
        };

        SparseOnnxNode node = SparseOnnxModel.Write(folder["pruned.onnx"], folder["some.onnx"], options)
            .Single(node => node.Name == first);

        Assert.IsFalse(node.IsPacked);
        Assert.AreEqual("because", node.Why);
    }
}
