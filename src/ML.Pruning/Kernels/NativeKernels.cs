using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ML.Pruning.Kernels;

/// <summary>The C ABI of the native library, as src/Native/include/mlpruning.h declares it.</summary>
internal static unsafe partial class NativeKernels
{
    /// <summary>The version of the ABI that this file speaks.</summary>
    public const uint AbiVersion = 1;

    /// <summary>The status of a damaged blob.</summary>
    public const int BadBlob = 2;

    private const string Library = "mlpruning";
    private const int OutOfMemory = 4;

    /// <summary>Throws what a status means.</summary>
    public static void Check(int status)
    {
        if (status == 0)
            return;
        string message = Marshal.PtrToStringUTF8(mlp_last_error()) ?? "";
        throw status switch
        {
            BadBlob => new PackedFormatException(message),
            OutOfMemory => new OutOfMemoryException(message),
            _ => new InvalidOperationException(message),
        };
    }

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial uint mlp_abi_version();

    [LibraryImport(Library)]
    public static partial nint mlp_last_error();

    [LibraryImport(Library)]
    public static partial int mlp_isa_supported(int isa);

    [LibraryImport(Library)]
    public static partial int mlp_isa_current(out int isa);

    [LibraryImport(Library)]
    public static partial int mlp_isa_select(int isa);

    [LibraryImport(Library)]
    public static partial int mlp_packer_create(int format, int type, int rows, int columns, out nint packer);

    [LibraryImport(Library)]
    public static partial int mlp_packer_add(
        PackerHandle packer, float* weights, int count, long stride, float* scales);

    [LibraryImport(Library)]
    public static partial int mlp_packer_size(PackerHandle packer, out long bytes);

    [LibraryImport(Library)]
    public static partial int mlp_packer_write(PackerHandle packer, void* blob, long bytes);

    [LibraryImport(Library)]
    public static partial void mlp_packer_free(nint packer);

    [LibraryImport(Library)]
    public static partial int mlp_matrix_open(void* blob, long bytes, out nint matrix);

    [LibraryImport(Library)]
    public static partial int mlp_matrix_describe(MatrixHandle matrix, out MatrixInfo info);

    [LibraryImport(Library)]
    public static partial void mlp_matrix_close(nint matrix);

    [LibraryImport(Library)]
    public static partial int mlp_matrix_set_grid(MatrixHandle matrix, float scale, int lowest, int highest);

    [LibraryImport(Library)]
    public static partial int mlp_pool_create(int threads, out nint pool);

    [LibraryImport(Library)]
    public static partial void mlp_pool_free(nint pool);

    [LibraryImport(Library)]
    public static partial int mlp_run(
        MatrixHandle matrix, float* x, long ldx, int batch, float* y, long ldy, PoolHandle pool);

    /// <summary>What mlp_matrix_describe fills in.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct MatrixInfo
    {
        public readonly int Format;
        public readonly int Type;
        public readonly int Rows;
        public readonly int Columns;
        public readonly long Bytes;
        public readonly long Kept;
    }

    /// <summary>A packer of the native library.</summary>
    internal sealed class PackerHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        public static PackerHandle Create(PackedShape shape)
        {
            var created = new PackerHandle();
            Check(mlp_packer_create((int)shape.Format, (int)shape.Type, shape.Rows, shape.Columns, out created.handle));
            return created;
        }

        protected override bool ReleaseHandle()
        {
            mlp_packer_free(handle);
            return true;
        }
    }

    /// <summary>An opened matrix, which keeps its bytes alive.</summary>
    internal sealed class MatrixHandle() : SafeHandle(0, ownsHandle: true)
    {
        private PackedMemory? _memory;

        public override bool IsInvalid => handle == 0;

        public static MatrixHandle Open(PackedMemory memory)
        {
            var opened = new MatrixHandle();
            bool added = false;
            memory.DangerousAddRef(ref added);
            opened._memory = memory;
            int status = mlp_matrix_open(memory.Pointer, memory.Length, out opened.handle);
            if (opened.IsInvalid)
                memory.DangerousRelease();
            Check(status);
            return opened;
        }

        protected override bool ReleaseHandle()
        {
            mlp_matrix_close(handle);
            _memory!.DangerousRelease();
            return true;
        }
    }

    /// <summary>Threads of the native library; invalid means the caller's alone.</summary>
    internal sealed class PoolHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        public static PoolHandle Create(int threads)
        {
            var created = new PoolHandle();
            Check(mlp_pool_create(threads, out created.handle));
            return created;
        }

        protected override bool ReleaseHandle()
        {
            mlp_pool_free(handle);
            return true;
        }
    }
}
