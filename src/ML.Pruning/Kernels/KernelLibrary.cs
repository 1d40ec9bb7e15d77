using System.Diagnostics;

namespace ML.Pruning.Kernels;

/// <summary>The native library of kernels, and the instruction set in use.</summary>
/// <remarks>
/// <para>Without the library, or with <c>MLPRUNING_ISA=managed</c> in the environment, the kernels in C# serve: the
/// same results within rounding, several times slower. One warning goes to <see cref="Trace"/> in the first
/// case.</para>
/// <para><c>MLPRUNING_ISA</c> also forces a target of the library: scalar, avx2, avx512, vnni, amx or neon.
/// Thread-safe.</para>
/// </remarks>
public static class KernelLibrary
{
    private const string Variable = "MLPRUNING_ISA";
    private static readonly Lazy<string?> s_whyMissing = new(FindWhyMissing);

    /// <summary>Whether the native library serves.</summary>
    public static bool IsNative => WhyManaged is null;

    /// <summary>Why the kernels in C# serve instead of the native library; null if they do not.</summary>
    public static string? WhyManaged => s_whyMissing.Value;

    /// <summary>What runs the next product.</summary>
    /// <exception cref="InvalidOperationException"><c>MLPRUNING_ISA</c> names no target, or one that this machine
    /// lacks.</exception>
    public static KernelTarget Target
    {
        get
        {
            if (!IsNative)
                return KernelTarget.Managed;
            NativeKernels.Check(NativeKernels.mlp_isa_current(out int isa));
            return (KernelTarget)isa;
        }
    }

    /// <summary>Whether this machine can run a target.</summary>
    /// <param name="target">The target.</param>
    public static bool Supports(KernelTarget target) => target == KernelTarget.Managed
        || (IsNative && NativeKernels.mlp_isa_supported((int)target) != 0);

    /// <summary>Chooses a target for the whole process; not while a product runs.</summary>
    internal static void Select(KernelTarget target) => NativeKernels.Check(NativeKernels.mlp_isa_select((int)target));

    private static string? FindWhyMissing()
    {
        if (string.Equals(Environment.GetEnvironmentVariable(Variable), "managed", StringComparison.OrdinalIgnoreCase))
            return $"{Variable} is 'managed'";
        string why;
        try
        {
            uint version = NativeKernels.mlp_abi_version();
            if (version == NativeKernels.AbiVersion)
                return null;
            why = $"its ABI version is {version}, not {NativeKernels.AbiVersion}; build it again";
        }
        catch (DllNotFoundException)
        {
            why = "there is no library 'mlpruning' beside the program; install CMake and a C++ compiler and "
                + "build again";
        }
        catch (BadImageFormatException)
        {
            why = "the library 'mlpruning' beside the program is for another kind of machine";
        }
        catch (EntryPointNotFoundException)
        {
            why = "the library 'mlpruning' beside the program is not this one; build it again";
        }

        Trace.TraceWarning($"ML.Pruning: the sparse kernels run in C#, several times slower than native ones: {why}.");
        return why;
    }
}
