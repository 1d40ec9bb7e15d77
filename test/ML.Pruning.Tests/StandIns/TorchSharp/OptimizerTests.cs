using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class OptimizerTests
{
    private DisposeScope _scope = null!;
    private Parameter _parameter = null!;

    [TestInitialize]
    public void Open()
    {
        _scope = NewDisposeScope();
        _parameter = nn.Parameter(tensor([1.0, -2]));
    }

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    [DataRow(true, 0.1, false)]
    [DataRow(true, 0.0, true)]
    [DataRow(false, 0.1, false)]
    [DataRow(false, 0.1, true)]
    public void Adam_SeveralSteps_AgreeWithHandComputation(bool decoupled, double decay, bool amsgrad)
    {
        const double Rate = 0.01, Beta1 = 0.8, Beta2 = 0.9, Epsilon = 1e-6;
        using optim.Optimizer optimizer = decoupled
            ? optim.AdamW([_parameter], Rate, Beta1, Beta2, Epsilon, decay, amsgrad)
            : optim.Adam([_parameter], Rate, Beta1, Beta2, Epsilon, decay, amsgrad);
        double[] w = [1, -2], m = [0, 0], v = [0, 0], largest = [0, 0];
        for (int step = 1; step <= 4; step++)
        {
            double[] gradients = [0.5 / step, -3.0 / step];
            _parameter.grad = tensor(gradients);
            optimizer.step();
            for (int i = 0; i < w.Length; i++)
            {
                double g = decoupled ? gradients[i] : gradients[i] + (decay * w[i]);
                if (decoupled)
                    w[i] *= 1 - (Rate * decay);
                m[i] = (Beta1 * m[i]) + ((1 - Beta1) * g);
                v[i] = (Beta2 * v[i]) + ((1 - Beta2) * g * g);
                largest[i] = Math.Max(largest[i], v[i]);
                double square = (amsgrad ? largest : v)[i] / (1 - Math.Pow(Beta2, step));
                w[i] -= Rate / (1 - Math.Pow(Beta1, step)) * m[i] / (Math.Sqrt(square) + Epsilon);
            }
            double[] actual = _parameter.data<double>().ToArray();
            Assert.AreEqual(w[0], actual[0], 1e-12);
            Assert.AreEqual(w[1], actual[1], 1e-12);
        }
    }

    [TestMethod]
    public void AdamW_ByDefault_DoesNotDecay()
    {
        using AdamW optimizer = optim.AdamW([_parameter]);
        _parameter.grad = zeros_like(_parameter);
        optimizer.step();
        TensorAssert.AreEqual(_parameter, 1, -2);
        Assert.AreEqual((0.9, 0.999), optimizer.Betas);
        optimizer.Betas = (0.5, 0.6);
        var options = (AdamW.Options)optimizer.state_dict().Options[0];
        Assert.AreEqual(0.9, options.beta1);
        Assert.AreEqual((0.5, 0.6), optimizer.Betas);
        Assert.AreEqual(0.0, options.weight_decay);
        Assert.AreEqual(1e-8, options.eps);
        Assert.AreEqual(0.001, options.LearningRate);
    }

    [TestMethod]
    public void AdamW_Maximize_ClimbsInstead()
    {
        using AdamW optimizer = optim.AdamW([_parameter], lr: 0.1, maximize: true);
        _parameter.grad = tensor([1.0, -1]);
        optimizer.step();
        TensorAssert.AreEqual(_parameter, 1.1, -2.1);
    }

    [TestMethod]
    public void ZeroGrad_Optimizer_ZeroesAndKeepsTheGradient()
    {
        using AdamW optimizer = optim.AdamW([_parameter], lr: 0.1, weight_decay: 0.5);
        _parameter.grad = ones_like(_parameter);
        optimizer.zero_grad();
        TensorAssert.AreEqual(_parameter.grad, 0, 0);
        optimizer.step();
        TensorAssert.AreEqual(_parameter, 0.95, -1.9);
        _parameter.grad = null;
        optimizer.step();
        TensorAssert.AreEqual(_parameter, 0.95, -1.9);
    }

    [TestMethod]
    public void Step_ParameterReplaced_ThrowsKeyNotFound()
    {
        using Linear linear = nn.Linear(2, 2);
        using AdamW optimizer = optim.AdamW(linear.parameters());
        linear.to(ScalarType.Float64);
        Assert.ThrowsExactly<KeyNotFoundException>(() => optimizer.step());
    }

    [TestMethod]
    public void State_OfBFloat16Parameter_HasItsType()
    {
        Parameter half = nn.Parameter(ones(2, ScalarType.BFloat16));
        using Adam optimizer = optim.Adam([half], amsgrad: true);
        var state = (Adam.State)optimizer.state_dict().State[0];
        Assert.AreEqual(ScalarType.BFloat16, state.exp_avg.dtype);
        Assert.AreEqual(ScalarType.BFloat16, state.exp_avg_sq.dtype);
        Assert.AreEqual(ScalarType.BFloat16, state.max_exp_avg_sq.dtype);
        Assert.AreEqual(0, state.step);
        half.grad = ones_like(half);
        optimizer.step();
        Assert.AreEqual(1, state.step);
        optimizer.Dispose();
        Assert.IsTrue(state.exp_avg.IsInvalid);
    }

    [TestMethod]
    public void Groups_WithOptionsOfTheirOwn_KeepThem()
    {
        Parameter other = nn.Parameter(tensor([1.0]));
        using AdamW optimizer = optim.AdamW(
            [
                new AdamW.ParamGroup([_parameter], lr: 0.5),
                new AdamW.ParamGroup([other], new AdamW.Options { LearningRate = 0.25 }),
            ],
            weight_decay: 0.1);
        Assert.AreEqual(2, optimizer.parameters().Count());
        CollectionAssert.AreEqual(new[] { 0.5, 0.25 }, optimizer.ParamGroups.Select(g => g.LearningRate).ToArray());
        Assert.AreEqual(0.0, ((AdamW.Options)optimizer.state_dict().Options[0]).weight_decay);
        Assert.AreEqual(0.1, ((AdamW.Options)optimizer.state_dict().Options[1]).weight_decay);
    }

    [TestMethod]
    public void Sgd_WithMomentum_AgreesWithHandComputation()
    {
        using SGD optimizer = optim.SGD([_parameter], learningRate: 0.1, momentum: 0.5, weight_decay: 0.1);
        double[] w = [1, -2];
        double[] velocity = [0, 0];
        for (int step = 0; step < 3; step++)
        {
            _parameter.grad = tensor([1.0, 2]);
            optimizer.step();
            for (int i = 0; i < w.Length; i++)
            {
                velocity[i] = (0.5 * velocity[i]) + (i + 1 + (0.1 * w[i]));
                w[i] -= 0.1 * velocity[i];
            }
            TensorAssert.AreEqual(_parameter, w);
        }
        Assert.AreEqual(0.5, optimizer.Momentum);
        optimizer.Momentum = 0.25;
        Assert.AreEqual(0.5, ((SGD.Options)optimizer.state_dict().Options[0]).momentum);
        TensorAssert.AreEqual(((SGD.State)optimizer.state_dict().State[0]).momentum_buffer, velocity);
    }

    [TestMethod]
    public void Sgd_Nesterov_LooksAhead()
    {
        using var optimizer = new SGD(
            [new SGD.ParamGroup([_parameter], lr: 0.1, momentum: 0.5, nesterov: true, maximize: true)], 1);
        _parameter.grad = tensor([1.0, 2]);
        optimizer.step();
        TensorAssert.AreEqual(_parameter, 1.15, -1.7);
        Assert.ThrowsExactly<ArgumentException>(() => optim.SGD([_parameter], 0.1, nesterov: true));
    }

    [TestMethod]
    public void Step_WithClosure_ReturnsItsLoss()
    {
        using SGD optimizer = optim.SGD([_parameter], 0.5);
        Tensor loss = optimizer.step(() =>
        {
            Tensor value = _parameter.square().sum();
            value.backward();
            return value;
        });
        TensorAssert.IsScalar(loss, 5);
        TensorAssert.AreEqual(_parameter, 0, 0);
    }

    [TestMethod]
    public void ClipGradNorm_LargeGradients_ScalesThemTogether()
    {
        Parameter other = nn.Parameter(tensor([0.0]));
        _parameter.grad = tensor([3.0, 0]);
        other.grad = tensor([4.0]);
        Assert.AreEqual(5, nn.utils.clip_grad_norm_([_parameter, other], 1), 1e-9);
        TensorAssert.AreEqual(_parameter.grad, 0.6, 0);
        TensorAssert.AreEqual(other.grad, 0.8);
        Assert.AreEqual(1, nn.utils.clip_grad_norm_([_parameter, other], 2), 1e-5);
        TensorAssert.AreEqual(other.grad, 0.8);
        nn.utils.clip_grad_value_([other], 0.5);
        TensorAssert.AreEqual(other.grad, 0.5);
        other.grad = null;
        Assert.AreEqual(0, nn.utils.clip_grad_norm_([other], 1));
    }

    [TestMethod]
    public void LambdaSchedule_Steps_MultiplyTheInitialRate()
    {
        using AdamW optimizer = optim.AdamW([_parameter], lr: 2);
        optim.lr_scheduler.LRScheduler schedule = optim.lr_scheduler.LambdaLR(optimizer, step => 1.0 / (step + 1));
        var rates = new List<double>();
        for (int i = 0; i < 3; i++)
        {
            rates.Add(optimizer.ParamGroups.Single().LearningRate);
            schedule.step();
        }
        CollectionAssert.AreEqual(new[] { 2.0, 1, 2 / 3.0 }, rates);
        Assert.AreEqual(0.5, schedule.get_last_lr().Single());
        Assert.AreEqual(2, optimizer.ParamGroups.Single().InitialLearningRate);
    }
}
