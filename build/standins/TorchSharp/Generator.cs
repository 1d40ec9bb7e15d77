using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A source of random numbers.</summary>
    public class Generator : IDisposable
    {
        private nint _handle;

        public Generator(ulong seed = 0, Device device = null)
            : this(Shim.CheckHandle(Shim.ts_generator_new(seed)), device)
        {
        }

        private Generator(nint handle, Device device)
        {
            _handle = handle;
            this.device = device ?? CPU;
        }

        ~Generator() => Dispose(false);

        /// <summary>The generator of every call that names none; process-wide.</summary>
        public static Generator Default => new(Shim.CheckHandle(Shim.ts_generator_default()), null);

        public Device device { get; }

        public nint Handle =>
            _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(Generator));

        public Generator manual_seed(long seed)
        {
            Shim.Check(Shim.ts_generator_seed(Handle, seed));
            return this;
        }

        public unsafe long initial_seed()
        {
            long seed;
            Shim.Check(Shim.ts_generator_initial_seed(Handle, &seed));
            return seed;
        }

        public Tensor get_state() => new(Shim.CheckHandle(Shim.ts_generator_get_state(Handle)));

        public void set_state(Tensor value) => Shim.Check(Shim.ts_generator_set_state(Handle, value.Handle));

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (_handle != 0)
                Shim.ts_generator_free(_handle);
            _handle = 0;
        }
    }

    public static Generator manual_seed(long seed) => Generator.Default.manual_seed(seed);

    /// <summary>The process-wide generator.</summary>
    public static class random
    {
        public static Generator manual_seed(long seed) => Generator.Default.manual_seed(seed);

        public static long initial_seed()
        {
            using var generator = Generator.Default;
            return generator.initial_seed();
        }

        public static Tensor get_rng_state()
        {
            using var generator = Generator.Default;
            return generator.get_state();
        }

        public static void set_rng_state(Tensor new_state)
        {
            using var generator = Generator.Default;
            generator.set_state(new_state);
        }
    }
}
