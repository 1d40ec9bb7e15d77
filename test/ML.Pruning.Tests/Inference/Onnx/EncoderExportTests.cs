using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using TorchSharp;

namespace ML.Pruning.Tests.Inference.Onnx;

/// <summary>Exported encoders in ONNX Runtime against the torch engine, which float64 oracles of other tests hold to
/// the definitions: texts of several lengths, every head, fused and standard operators, layers that lost
/// heads.</summary>
[TestClass]
public sealed class EncoderExportTests
{
    public static IEnumerable<object[]> Cases =>
        from name in FamilyConfigs.Encoders.Keys
        from operators in Enum.GetValues<OnnxOperators>()
        select new object[] { name, operators };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_ExportedFile_AgreesWithTorch(string name, OnnxOperators operators)
    {
        using var folder = new TestFolder();
        ModelSpec spec = FamilyConfigs.Spec(name);
        LayerSpec smaller = spec.Layers[0].KeepHeads([0, 2, 3]) with { MlpWidth = 17 };
        using LanguageModel model = FamilyConfigs.Create(name, spec with { Layers = [spec.Layers[1], smaller] });
        OnnxModel.Export(model, folder["model.onnx"], new OnnxExportOptions { Operators = operators });
        using var torch = new TorchEngine(model);
        using var onnx = new OnnxEncoderEngine(folder["model.onnx"]);
        int[] tokens = RandomModel.Tokens(spec, 4 * 11), lengths = [11, 3, 1, 8];
        if (spec.PredictsTokens)
        {
            int size = tokens.Length * spec.VocabularySize;
            float[] expected = new float[size], actual = new float[size];
            torch.Logits(tokens, 4, expected);
            onnx.Logits(tokens, 4, actual);
            Assert.IsLessThan(1e-5, Logits.Difference(expected, actual));
            return;
        }

        float[] scores = new float[8], found = new float[8];
        torch.LabelScores(tokens, lengths, scores);
        onnx.LabelScores(tokens, lengths, found);
        Assert.IsLessThan(1e-5, Logits.Difference(scores, found));
    }

    [TestMethod]
    public void Run_EncoderWithoutHead_GivesStatesAndThePooledOne()
    {
        using var folder = new TestFolder();
        ModelSpec spec = FamilyConfigs.Spec("bert");
        spec = spec with { Encoder = spec.Encoder! with { Head = EncoderHead.None, Labels = [] } };
        using LanguageModel model = RandomModel.Create(spec);
        OnnxModel.Export(model, folder["model.onnx"]);
        using TorchDecoder encoder = TorchDecoder.Load(model);
        int[] tokens = RandomModel.Tokens(spec, 9);
        using torch.Tensor states = encoder.Hidden(TorchWeights.ToTokens(tokens, 1), null);
        using torch.Tensor pooled = encoder.Classifier.Pool(states);
        using var session = new InferenceSession(folder["model.onnx"]);
        using var run = new RunOptions();
        using OrtValue input =
            OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(tokens, t => (long)t), [1, tokens.Length]);
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run,
            [GraphNames.Tokens], [input], [GraphNames.HiddenState, GraphNames.PoolerOutput]);
        Assert.IsLessThan(1e-5, Logits.Difference(
            [.. states.data<float>()], outputs[0].GetTensorDataAsSpan<float>().ToArray()));
        Assert.IsLessThan(1e-5, Logits.Difference(
            [.. pooled.data<float>()], outputs[1].GetTensorDataAsSpan<float>().ToArray()));
    }

    [TestMethod]
    public void Get_Encoder_TakesOnnxByDefault()
    {
        using LanguageModel model = FamilyConfigs.Create("distilbert");
        ILanguageModelEngine engine = EngineFactory.Get(model, EngineKind.Auto);
        Assert.AreEqual("onnx", engine.Name);
        Assert.ThrowsExactly<NotSupportedException>(() => engine.StartDecoding());
        Assert.ThrowsExactly<NotSupportedException>(() => engine.Logits([1, 2], 1, new float[80]));
    }
}
