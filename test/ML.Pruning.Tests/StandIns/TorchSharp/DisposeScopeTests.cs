using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class DisposeScopeTests
{
    [TestMethod]
    public void Dispose_Scope_DisposesWhatItsThreadCreated()
    {
        Tensor kept;
        Tensor moved;
        Tensor inner;
        using (DisposeScope outer = NewDisposeScope())
        {
            using (DisposeScope scope = NewDisposeScope())
            {
                inner = zeros(1);
                kept = zeros(1).DetachFromDisposeScope();
                moved = zeros(1).MoveToOuterDisposeScope();
                Assert.AreEqual(1, scope.DisposablesCount);
                Assert.IsTrue(scope.Contains(inner));
                Assert.AreSame(inner, scope.DisposablesView[0]);
                Assert.IsTrue(outer.Contains(moved));
            }
            Assert.IsTrue(inner.IsInvalid);
            Assert.IsFalse(moved.IsInvalid);
        }
        Assert.IsTrue(moved.IsInvalid);
        Assert.IsFalse(kept.IsInvalid);
        kept.Dispose();
    }

    [TestMethod]
    public void MoveToOuter_WithoutOuterScope_LeavesTheTensorAlive()
    {
        Tensor moved;
        using (NewDisposeScope())
            moved = zeros(1).MoveToOuterDisposeScope();
        Assert.IsFalse(moved.IsInvalid);
        moved.Dispose();
    }

    [TestMethod]
    public void Scope_OtherThread_DoesNotCollectItsTensors()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor other = OtherThread.Run(() => zeros(1));
        Assert.AreEqual(0, scope.DisposablesCount);
        other.Dispose();
    }

    [TestMethod]
    public void Dispose_TensorInScope_LeavesTheScope()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor t = zeros(1);
        t.Dispose();
        Assert.AreEqual(0, scope.DisposablesCount);
        t.Dispose();
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = t.Handle);
    }

    [TestMethod]
    public void Attach_TensorWithoutScope_IsDisposedWithIt()
    {
        Tensor free = zeros(1);
        using (DisposeScope scope = NewDisposeScope())
        {
            scope.Attach(free);
            Assert.ThrowsExactly<InvalidOperationException>(() => scope.Attach(new MemoryStream()));
        }
        Assert.IsTrue(free.IsInvalid);
    }

    [TestMethod]
    public void Moves_BetweenScopes_ChangeTheOwner()
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor anchor = zeros(1);
        using DisposeScope inner = NewDisposeScope();
        Tensor a = zeros(1);
        Tensor b = zeros(1);
        Assert.AreSame(a, a.MoveToOtherDisposeScope(outer));
        Assert.AreSame(b, b.MoveToOtherDisposeScope(anchor));
        Assert.AreEqual(3, outer.DisposablesCount);
        Assert.AreEqual(0, inner.DisposablesCount);
        (Tensor c, Tensor d) = inner.MoveToOuter(zeros(1), zeros(1));
        inner.MoveToOuter([zeros(1)]);
        Assert.AreSame(a, outer.MoveToOther(inner, a));
        Assert.AreSame(c, outer.Detach(c));
        outer.Detach([d]);
        Assert.AreEqual(3, outer.DisposablesCount);
        Assert.AreEqual(1, inner.DisposablesCount);
        c.Dispose();
        d.Dispose();
        var unscoped = OtherThread.Run(() => zeros(1));
        unscoped.MoveToOtherDisposeScope(inner);
        Assert.IsTrue(inner.Contains(unscoped));
    }

    [TestMethod]
    public void DisposeEverything_OpenScope_KeepsOnlyWhatIsNamed()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = zeros(1);
        Tensor b = zeros(1);
        Assert.AreSame(a, scope.DisposeEverythingBut(a));
        Assert.IsTrue(b.IsInvalid);
        Assert.IsFalse(a.IsInvalid);
        scope.DisposeEverything();
        Assert.IsTrue(a.IsInvalid);
        Assert.AreEqual(0, scope.DisposablesCount);
    }

    [TestMethod]
    public void WrappedScope_Expression_KeepsOnlyTheResult()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor result = WrappedTensorDisposeScope(() => (ones(2) + 1) * 3);
        Assert.AreEqual(1, scope.DisposablesCount);
        TensorAssert.AreEqual(result, 6, 6);
    }

    [TestMethod]
    public void Parameter_MadeInScope_EmptiesItsTensorAndDiesWithTheScope()
    {
        Parameter parameter;
        using (NewDisposeScope())
        {
            Tensor data = ones(2);
            parameter = new Parameter(data);
            Assert.IsTrue(data.IsInvalid);
            Assert.IsTrue(parameter.requires_grad);
            Assert.IsFalse(new Parameter(ones(1), requires_grad: false).requires_grad);
            Assert.IsFalse(nn.Parameter(ones(1), requires_grad: false).requires_grad);
            Assert.IsTrue(ones(1).AsParameter().requires_grad);
        }
        Assert.IsTrue(parameter.IsInvalid);
    }

    [TestMethod]
    public void Layer_MadeInScope_KeepsItsParameters()
    {
        Linear linear;
        Embedding embedding;
        LayerNorm norm;
        using (NewDisposeScope())
        {
            linear = nn.Linear(2, 3);
            embedding = nn.Embedding(4, 2);
            norm = nn.LayerNorm(2);
        }
        foreach (nn.Module module in new nn.Module[] { linear, embedding, norm })
        {
            Assert.IsFalse(module.parameters().Any(p => p.IsInvalid));
            module.Dispose();
        }
        Assert.IsTrue(linear.weight.IsInvalid);
    }

    [TestMethod]
    [DoNotParallelize]
    public void TotalCount_TrainingSteps_DoesNotGrow()
    {
        using Linear linear = nn.Linear(8, 8);
        using AdamW optimizer = optim.AdamW(linear.parameters(), weight_decay: 0.1);
        Step();
        long before = Tensor.TotalCount;
        for (int i = 0; i < 5; i++)
            Step();
        Assert.AreEqual(before, Tensor.TotalCount);

        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor loss = linear.forward(ones(4, 8)).square().mean();
            loss.backward();
            nn.utils.clip_grad_norm_(linear.parameters(), 1);
            optimizer.step();
            _ = loss[TensorIndex.Ellipsis].ToSingle();
        }
    }
}
