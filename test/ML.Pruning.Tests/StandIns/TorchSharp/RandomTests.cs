using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
[DoNotParallelize]
public sealed class RandomTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Generators_SameSeed_RepeatTheSameNumbers()
    {
        Func<Generator, Tensor>[] draws =
        [
            g => rand(8, generator: g), g => rand(2, 4, generator: g), g => rand(2, 2, 2, generator: g),
            g => rand(1, 2, 2, 2, generator: g), g => rand([8], generator: g),
            g => randn(8, generator: g), g => randn(2, 4, generator: g), g => randn(2, 2, 2, generator: g),
            g => randn(1, 2, 2, 2, generator: g), g => randn([8], generator: g),
            g => randint(1000000, [8], generator: g), g => randint(-1000000, 1000000, [8], generator: g),
            g => randperm(50, generator: g), g => zeros(8).normal_(2, 3, g), g => zeros(8).uniform_(-1, 1, g),
            g => bernoulli(full([64], 0.5), g), g => zeros(64).bernoulli_(0.5, g),
            g => multinomial(ones(64), 8, generator: g), g => ones(64).multinomial(8, generator: g),
        ];
        foreach (Func<Generator, Tensor> draw in draws)
        {
            using var first = new Generator(5);
            using var second = new Generator(5);
            using var other = new Generator(6);
            Tensor a = draw(first);
            Assert.IsTrue(a.eq(draw(second)).all().ToBoolean());
            Assert.IsFalse(a.eq(draw(other)).all().ToBoolean());
            Assert.IsFalse(a.eq(draw(first)).all().ToBoolean());
        }
    }

    [TestMethod]
    public void Draws_ManyNumbers_StayInRangeWithTheRightMean()
    {
        manual_seed(3);
        Tensor uniform = rand_like(zeros(10000));
        Assert.IsTrue(uniform.ge(0).logical_and(uniform.lt(1)).all().ToBoolean());
        Assert.AreEqual(0.5, uniform.mean().ToDouble(), 0.02);
        Tensor normal = randn_like(zeros(10000));
        Assert.AreEqual(0, normal.mean().ToDouble(), 0.05);
        Assert.AreEqual(1, normal.std().ToDouble(), 0.05);
        Assert.AreEqual(0.5, zeros(10000).rand_like().mean().ToDouble(), 0.02);
        Assert.AreEqual(0, zeros(10000).randn_like().mean().ToDouble(), 0.05);
        Tensor integers = randint(2, 5, [1000]);
        Assert.AreEqual(ScalarType.Int64, integers.dtype);
        Assert.AreEqual(2, integers.min().ToInt64());
        Assert.AreEqual(4, integers.max().ToInt64());
        Assert.IsTrue(randperm(9).sort().Values.eq(arange(9)).all().ToBoolean());
    }

    [TestMethod]
    public void RandomState_SavedAndRestored_RepeatsTheNumbers()
    {
        random.manual_seed(11);
        Assert.AreEqual(11, random.initial_seed());
        Assert.AreEqual(11, Generator.Default.initial_seed());
        Tensor state = random.get_rng_state();
        Tensor first = rand(4);
        random.set_rng_state(state);
        Assert.IsTrue(first.eq(rand(4)).all().ToBoolean());
        Assert.AreEqual(DeviceType.CPU, manual_seed(1).device.type);
    }
}
