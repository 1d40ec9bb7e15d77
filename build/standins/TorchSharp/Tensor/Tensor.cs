using System.Runtime.CompilerServices;
using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A handle to a libtorch tensor.</summary>
    /// <remarks>In-place operations (trailing underscore) return this same object.</remarks>
    public partial class Tensor : IDisposable
    {
        private static long s_totalCount;

        private nint _handle;

        internal Tensor(nint handle)
        {
            _handle = handle;
            Interlocked.Increment(ref s_totalCount);
            OwningDisposeScope = DisposeScopeManager.Register(this);
        }

        /// <summary>Takes the native tensor of another object over, and its place in a scope.</summary>
        internal Tensor(Tensor data)
        {
            DisposeScope scope = data.OwningDisposeScope;
            _handle = data.MoveHandle();
            Interlocked.Increment(ref s_totalCount);
            scope?.Attach(this);
        }

        ~Tensor() => Dispose(false);

        /// <summary>The number of live tensor objects of the process, and of tensors that became parameters.</summary>
        public static long TotalCount => Interlocked.Read(ref s_totalCount);

        public nint Handle =>
            _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public bool IsInvalid => _handle == 0;

        internal DisposeScope OwningDisposeScope { get; set; }

        public void Dispose()
        {
            OwningDisposeScope?.MarkAsDisposed(this);
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0)
                return;
            Interlocked.Decrement(ref s_totalCount);
            DisposeScopeManager.Statistics.ThreadTotalLiveCount--;
            Shim.ts_free(handle);
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is { } scope)
                scope.MoveToOther(other, this);
            else
                other?.Attach(this);
            return this;
        }

        /// <summary>Another object for the same native tensor.</summary>
        public Tensor alias() => new(Shim.CheckHandle(Native(Shim.ts_alias(Handle))));

        public override bool Equals(object obj) => obj is Tensor other && ReferenceEquals(this, other);

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        public override string ToString() =>
            IsInvalid
                ? "Tensor invalid -- empty handle."
                : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

        /// <summary>Gives the native tensor away and leaves this object empty, which stays counted.</summary>
        internal nint MoveHandle()
        {
            nint handle = Handle;
            _handle = 0;
            OwningDisposeScope?.MarkAsDisposed(this);
            GC.SuppressFinalize(this);
            return handle;
        }

        /// <summary>Passes a native result through and keeps this object alive until then.</summary>
        private T Native<T>(T result)
        {
            GC.KeepAlive(this);
            return result;
        }
    }
}
