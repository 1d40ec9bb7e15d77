using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.TestKit;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Models.Torch;

/// <summary>The modules by themselves: names, layers run one by one, gradients against finite differences.</summary>
[TestClass]
public sealed class TorchDecoderTests
{
    private static readonly ModelSpec s_learned = RandomModel.Llama with
    {
        Norm = NormKind.LayerNorm,
        Positions = PositionKind.Learned,
        QueryKeyValueBias = true,
    };

    private static readonly ModelSpec[] s_specs =
    [
        RandomModel.Llama, RandomModel.Llama with { TiedHead = true }, s_learned,
        .. FamilyConfigs.All.Keys.Concat(FamilyConfigs.Encoders.Keys).Select(FamilyConfigs.Spec),
        RandomModel.Llama.Folded() with { ResidualWidth = 11 },
        FamilyConfigs.Spec("gpt_neox").Folded() with { ResidualWidth = 11 },
    ];

    [TestMethod]
    public void NamedParameters_OfEachKind_AreTheCanonicalOnes()
    {
        foreach (ModelSpec spec in s_specs)
        {
            using LanguageModel model = RandomModel.Create(spec);
            using TorchDecoder decoder = TorchDecoder.Load(model);
            string[] names = [.. decoder.named_parameters().Select(p => p.Item1).Order(StringComparer.Ordinal)];
            string[] expected = [.. spec.Parameters().Select(p => p.Name).Order(StringComparer.Ordinal)];
            CollectionAssert.AreEqual(expected, names);
            Assert.IsFalse(decoder.parameters().Any(p => p.requires_grad));
        }
    }

    [TestMethod]
    public void HiddenStates_EachLayer_AreThoseOfLayersRunOneByOne()
    {
        using LanguageModel model = RandomModel.Create(s_learned);
        using TorchDecoder decoder = TorchDecoder.Load(model);
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = TorchWeights.ToTokens(RandomModel.Tokens(s_learned, 24), 2);
        IReadOnlyList<Tensor> states = decoder.HiddenStates(tokens);
        Assert.HasCount(s_learned.Layers.Count, states);
        Tensor hidden = decoder.Embedding.Forward(tokens);
        for (int i = 0; i < states.Count; i++)
        {
            hidden = decoder.Layers[i].forward(hidden);
            Assert.IsTrue(states[i].eq(hidden).all().ToBoolean(), $"{i}");
        }

        Assert.IsTrue(decoder.Head.Forward(states[^1]).eq(decoder.forward(tokens)).all().ToBoolean());
    }

    [TestMethod]
    public void Layers_RunOneByOne_EqualTheWholeModel()
    {
        foreach (ModelSpec spec in s_specs.Where(spec => spec.PredictsTokens))
        {
            using LanguageModel model = RandomModel.Create(spec);
            int[] tokens = RandomModel.Tokens(spec, 24);
            using DisposeScope scope = NewDisposeScope();
            using TorchEmbedding embedding = TorchEmbedding.Load(spec, model.Weights, ScalarType.Float32);
            Tensor hidden = embedding.Forward(TorchWeights.ToTokens(tokens, 2));
            for (int i = 0; i < spec.Layers.Count; i++)
            {
                using TorchDecoderLayer layer =
                    TorchDecoderLayer.Load(spec, i, model.Weights, ScalarType.Float32);
                hidden = layer.forward(hidden);
            }

            using TorchHead head = TorchHead.Load(spec, model.Weights, ScalarType.Float32, null);
            var stepwise = new float[tokens.Length * spec.VocabularySize];
            TorchWeights.CopyTo(head.Forward(hidden), stepwise);
            var whole = new float[stepwise.Length];
            using var engine = new TorchEngine(model);
            engine.Logits(tokens, 2, whole);
            CollectionAssert.AreEqual(whole, stepwise);
        }
    }

    [TestMethod]
    public void Layer_LoadedInsideAScope_OutlivesIt()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        TorchDecoderLayer layer;
        using (NewDisposeScope())
            layer = TorchDecoderLayer.Load(model.Spec, 0, model.Weights, ScalarType.Float32);
        using (layer)
        {
            using Tensor input = ones(1, 3, model.Spec.HiddenSize);
            using Tensor output = layer.forward(input);
            CollectionAssert.AreEqual(input.shape, output.shape);
        }
    }

    [TestMethod]
    public void Layer_InputOfAnotherWidth_Throws()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using TorchDecoderLayer layer =
            TorchDecoderLayer.Load(model.Spec, 0, model.Weights, ScalarType.Float32);
        using Tensor narrow = ones(1, 3, 15);
        using Tensor flat = ones(3, 16);
        Assert.Throws<ArgumentException>(() => layer.forward(narrow));
        Assert.Throws<ArgumentException>(() => layer.forward(flat));
    }

    [TestMethod]
    public void Load_WeightOfAnotherShape_NamesIt()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        ModelSpec other = model.Spec with { Layers = [RandomModel.Layer(4, 2, 4, 23), model.Spec.Layers[1]] };
        ModelFormatException error = Assert.Throws<ModelFormatException>(
            () => TorchDecoderLayer.Load(other, 0, model.Weights, ScalarType.Float32));
        StringAssert.Contains(error.Message, "layers.0.mlp.gate_proj.weight");
        Assert.Throws<ModelFormatException>(() => TorchDecoderLayer.Load(
            model.Spec, 0, new Dictionary<string, StoredTensor>(), ScalarType.Float32));
    }

    [TestMethod]
    public void InputObserver_OfEachLinear_SeesItsInput()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using TorchDecoderLayer layer =
            TorchDecoderLayer.Load(model.Spec, 0, model.Weights, ScalarType.Float32);
        CollectionAssert.AreEqual(model.Spec.Linears(0).Select(l => l.Part).ToArray(), layer.Linears.Keys.ToArray());
        var seen = new Dictionary<string, long[]>();
        foreach ((string part, TorchLinear linear) in layer.Linears)
            linear.InputObserver = input => seen.Add(part, input.shape);
        using Tensor hidden = ones(2, 5, model.Spec.HiddenSize);
        layer.forward(hidden).Dispose();
        foreach (LinearSpec linear in model.Spec.Linears(0))
        {
            CollectionAssert.AreEqual(new long[] { 2, 5, linear.InFeatures }, seen[linear.Part]);
            Assert.AreEqual(linear.OutFeatures, layer.Linears[linear.Part].Weight.shape[0]);
        }
    }

    [TestMethod]
    public void Backward_InFloat64_EqualsFiniteDifferences()
    {
        foreach (ModelSpec spec in s_specs.Skip(1))
        {
            using LanguageModel model = RandomModel.Create(spec);
            using TorchDecoder decoder = TorchDecoder.Load(model, ScalarType.Float64);
            using DisposeScope scope = NewDisposeScope();
            Tensor tokens = TorchWeights.ToTokens(RandomModel.Tokens(spec, 12), 2);
            foreach (Parameter parameter in decoder.parameters()) parameter.requires_grad = true;
            decoder.forward(tokens).square().reshape(-1).mean([0]).backward();

            foreach ((string name, Parameter parameter) in decoder.named_parameters())
            {
                Tensor? gradient = parameter.grad;
                Assert.IsNotNull(gradient, name);
                double analytic = gradient.square().sum().ToDouble();
                double step = 1e-5 / Math.Sqrt(Math.Max(analytic, 1e-12));
                double up = LossAfter(decoder, tokens, parameter, gradient, step);
                double down = LossAfter(decoder, tokens, parameter, gradient, -step);

                // Adding a constant to all keys changes no softmax, so a key bias has gradient 0 but for rounding.
                Assert.AreEqual(analytic, (up - down) / (2 * step), 1e-6 * analytic + 1e-9, name);
            }
        }
    }

    private static double LossAfter(
        TorchDecoder decoder, Tensor tokens, Parameter parameter, Tensor direction, double step)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor saved = parameter.clone();
        parameter.add_(direction, step);
        double loss = decoder.forward(tokens).square().reshape(-1).mean([0]).ToDouble();
        parameter.copy_(saved);
        return loss;
    }
}
