using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class ModuleTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void RegisterComponents_Fields_NameEverything()
    {
        using var model = new Model();
        CollectionAssert.AreEqual(
            new[] { "scale", "up.weight", "up.bias", "blocks.0.weight", "blocks.1.weight" },
            model.named_parameters().Select(p => p.name).ToArray());
        CollectionAssert.AreEqual(new[] { "scale" }, model.named_parameters(false).Select(p => p.name).ToArray());
        CollectionAssert.AreEqual(new[] { "mask" }, model.named_buffers().Select(b => b.name).ToArray());
        CollectionAssert.AreEqual(new[] { "up", "blocks" }, model.named_children().Select(c => c.name).ToArray());
        CollectionAssert.AreEqual(
            new[] { "up", "blocks", "blocks.0", "blocks.1" }, model.named_modules().Select(m => m.name).ToArray());
        Assert.AreEqual(5, model.parameters().Count());
        Assert.AreEqual(1, model.buffers().Count());
        Assert.AreEqual(2, model.children().Count());
        Assert.AreEqual(4, model.modules().Count());
        CollectionAssert.AreEquivalent(
            new[] { "scale", "up.weight", "up.bias", "blocks.0.weight", "blocks.1.weight", "mask" },
            model.state_dict().Keys);
        Assert.IsTrue(model.state_dict(prefix: "model").ContainsKey("model.up.weight"));
        Assert.AreEqual(nameof(Model), model.GetName());
        Assert.IsTrue(model.has_parameter("blocks.1.weight"));
        Assert.IsFalse(model.has_parameter("blocks.2.weight"));
        Assert.IsTrue(model.has_buffer("cache"));
        Assert.AreSame(model.Up.bias, model.get_parameter("up.bias"));
        Assert.IsNull(model.get_buffer("nothing"));
    }

    [TestMethod]
    public void Registration_Twice_IsRefused()
    {
        using var model = new Model();
        Assert.ThrowsExactly<InvalidOperationException>(() => model.register_parameter("scale", nn.Parameter(ones(1))));
        Assert.ThrowsExactly<InvalidOperationException>(() => model.register_buffer("mask", ones(1)));
        Assert.ThrowsExactly<InvalidOperationException>(() => model.add_module("up", nn.Linear(1, 1)));
        Assert.ThrowsExactly<ArgumentException>(() => model.register_module("a.b", nn.Linear(1, 1)));
        Assert.ThrowsExactly<ArgumentNullException>(() => model.register_parameter("none", null));
        model.register_module("up", null);
        Assert.IsFalse(model.has_parameter("up.bias"));
        using Dropout dropout = nn.Dropout();
        Assert.ThrowsExactly<InvalidOperationException>(() => dropout.register_buffer("mask", ones(1)));
        Assert.ThrowsExactly<InvalidOperationException>(() => dropout.register_module("m", nn.Linear(1, 1)));
        Assert.ThrowsExactly<InvalidOperationException>(() => dropout.register_parameter("p", nn.Parameter(ones(1))));
        Assert.IsInstanceOfType<IParameterLessModule>(dropout);
    }

    [TestMethod]
    public void ModuleList_WithoutOwner_HasNoParameters()
    {
        Linear first = nn.Linear(2, 2);
        Linear second = nn.Linear(2, 2);
        using ModuleList<Linear> list = nn.ModuleList(first);
        list.Add(second);
        Assert.AreEqual(0, list.parameters().Count());
        Assert.HasCount(2, list);
        Assert.AreSame(second, list[1]);
        Assert.AreEqual(1, list.IndexOf(second));
        list.Remove(second);
        list.append(second);
        list.extend([nn.Linear(1, 1)]);
        list.RemoveAt(2);
        list.Insert(0, nn.Linear(1, 1));
        list[0] = first;
        Assert.IsTrue(list.Contains(first));
        var copy = new Linear[4];
        list.CopyTo(copy, 1);
        Assert.AreSame(second, copy[3]);
        Assert.IsFalse(list.IsReadOnly);
        list.Clear();
        Assert.IsEmpty(list);
    }

    [TestMethod]
    public void StateDict_LoadedElsewhere_CopiesValues()
    {
        using var source = new Model();
        using var target = new Model();
        Assert.IsFalse(source.Up.weight.allclose(target.Up.weight));
        target.load_state_dict(source.state_dict());
        Assert.IsTrue(source.Up.weight.allclose(target.Up.weight));

        Dictionary<string, Tensor> partial = source.state_dict();
        partial.Remove("scale");
        partial.Add("surplus", ones(1));
        Assert.ThrowsExactly<InvalidOperationException>(() => target.load_state_dict(partial));
        (IList<string> missing, IList<string> unexpected) = target.load_state_dict(partial, strict: false);
        CollectionAssert.AreEqual(new[] { "scale" }, missing.ToArray());
        CollectionAssert.AreEqual(new[] { "surplus" }, unexpected.ToArray());
        target.load_state_dict(partial, skip: ["scale", "surplus"]);
        partial["up.weight"] = ones(1, 1); // spread over the whole parameter, without a word
        target.load_state_dict(partial, false);
        Assert.AreEqual(4, target.Up.weight.sum().ToDouble());
    }

    [TestMethod]
    public void TrainAndEval_Model_ReachAllChildren()
    {
        using var model = new Model();
        Assert.IsTrue(model.training);
        model.eval();
        Assert.IsFalse(model.modules().Any(m => m.training));
        model.train();
        Assert.IsTrue(model.training && model.modules().All(m => m.training));
        var visited = new List<nn.Module>();
        model.apply(visited.Add);
        Assert.HasCount(5, visited);
        Assert.AreSame(model, visited[^1]);
    }

    [TestMethod]
    public void To_OtherType_ReplacesParametersAndFields()
    {
        using var model = new Model();
        Parameter old = model.Scale;
        Assert.AreSame(model, model.to(ScalarType.BFloat16));
        Assert.IsTrue(model.parameters().All(p => p.dtype == ScalarType.BFloat16));
        Assert.AreEqual(ScalarType.Int64, model.get_buffer("mask").dtype);
        Assert.AreNotSame(old, model.Scale);
        Assert.AreSame(model.Scale, model.get_parameter("scale"));
        Assert.AreSame(model.Up.weight, model.get_parameter("up.weight"));
        Assert.IsTrue(model.Scale.requires_grad && model.Scale.is_leaf);
        Parameter same = model.Scale;
        model.to(CPU).cpu().to(CPU, ScalarType.BFloat16).bfloat16();
        Assert.AreSame(same, model.Scale);
        Assert.AreEqual(ScalarType.Float16, model.half().Scale.dtype);
        Assert.AreEqual(ScalarType.Float64, model.@double().Scale.dtype);
        Assert.AreEqual(ScalarType.Float32, model.@float().Scale.dtype);
    }

    [TestMethod]
    public void ZeroGrad_Module_ClearsOrZeroes()
    {
        using var model = new Model();
        model.call(ones(1, 2)).sum().backward();
        model.zero_grad(set_to_none: false);
        TensorAssert.AreEqual(model.Scale.grad, 0, 0);
        model.zero_grad();
        Assert.IsNull(model.Scale.grad);
    }

    [TestMethod]
    public void Call_WithHooks_ChangesInputAndOutput()
    {
        using var model = new Model();
        Tensor x = ones(1, 2);
        Tensor plain = model.forward(x);
        var before = model.register_forward_pre_hook((_, input) => input * 2);
        var after = model.register_forward_hook((_, _, output) => output + 1);
        Assert.IsTrue(model.call(x).allclose(model.forward(x * 2) + 1));
        Assert.IsTrue(model.forward(x).allclose(plain));
        before.remove();
        after.remove();
        Assert.IsTrue(model.call(x).allclose(plain));
        using var two = new Sum2();
        two.register_forward_pre_hook((_, a, b) => (a * 10, b));
        TensorAssert.AreEqual(two.call(ones(1), ones(1)), 11);
        using var three = new Sum3();
        three.register_forward_hook((_, _, _, _, sum) => sum * 2);
        TensorAssert.AreEqual(three.call(ones(1), ones(1), ones(1)), 6);
        Assert.IsInstanceOfType<nn.IModule<Tensor, Tensor, Tensor>>(two);
    }

    private sealed class Model : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter scale = nn.Parameter(ones(2));
        private readonly Linear up = nn.Linear(2, 2);
        private readonly ModuleList<Linear> blocks =
            nn.ModuleList(nn.Linear(2, 2, hasBias: false), nn.Linear(2, 2, hasBias: false));

        private readonly Tensor mask = tensor([1L, 0]);

        internal Model()
            : base(nameof(Model))
        {
            RegisterComponents();
            register_buffer("cache", zeros(1), persistent: false);
        }

        internal Parameter Scale => scale;

        internal Linear Up => up;

        public override Tensor forward(Tensor input)
        {
            Tensor x = up.call(input) * scale * mask;
            foreach (Linear block in blocks)
                x = x + block.call(x);
            return x;
        }
    }

    private sealed class Sum2() : nn.Module<Tensor, Tensor, Tensor>(nameof(Sum2))
    {
        public override Tensor forward(Tensor input1, Tensor input2) => input1 + input2;
    }

    private sealed class Sum3() : nn.Module<Tensor, Tensor, Tensor, Tensor>(nameof(Sum3))
    {
        public override Tensor forward(Tensor input1, Tensor input2, Tensor input3) => input1 + input2 + input3;
    }
}
