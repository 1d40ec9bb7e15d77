using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace TorchSharp.PInvoke;

/// <summary>The choice of OpenBLAS's kernels.</summary>
/// <remarks>OpenBLAS knows processors by model number. Debian 12's (0.3.21) takes SSE3 kernels, less than half as fast, on
/// those newer than itself, unless told before it loads. Environment.SetEnvironmentVariable does not reach native
/// code.</remarks>
internal static unsafe partial class Shim
{
    static Shim()
    {
        string core = Avx512BW.IsSupported && Avx512DQ.IsSupported ? "SkylakeX"
            : Avx2.IsSupported && Fma.IsSupported ? "Haswell"
            : null;
        if (core is not null && OperatingSystem.IsLinux())
            _ = setenv("OPENBLAS_CORETYPE", core, overwrite: 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
