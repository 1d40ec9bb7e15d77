using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public static IDisposable no_grad() => new GradModeGuard(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradModeGuard(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradModeGuard(mode);

    public static IDisposable inference_mode(bool mode = true) => new InferenceModeGuard(mode);

    public static bool is_grad_enabled() => Shim.ts_grad_mode() != 0;

    public static bool is_inference_mode_enabled() => Shim.ts_inference_mode() != 0;

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.NewDisposeScope();

    /// <summary>Evaluates in a scope of its own and moves the result to the scope around it.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }

    public static void set_num_threads(int num) => Shim.Check(Shim.ts_set_num_threads(num));

    public static int get_num_threads() => Shim.ts_get_num_threads();

    /// <summary>Sets the gradient mode of this thread and restores the previous one.</summary>
    private sealed class GradModeGuard : IDisposable
    {
        private readonly int _previous = Shim.ts_grad_mode();

        internal GradModeGuard(bool enabled) => Shim.ts_set_grad_mode(enabled ? 1 : 0);

        public void Dispose() => Shim.ts_set_grad_mode(_previous);
    }

    /// <summary>Holds libtorch's inference mode on this thread.</summary>
    private sealed class InferenceModeGuard(bool mode) : IDisposable
    {
        private nint _handle = Shim.CheckHandle(Shim.ts_inference_enter(mode ? 1 : 0));

        public void Dispose()
        {
            if (_handle != 0)
                Shim.ts_inference_exit(_handle);
            _handle = 0;
        }
    }
}
