using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>llama.cpp's C functions, from the npm package that has it built for Linux; for measurements only.</summary>
internal static unsafe class LlamaCppLibrary
{
    private const string Package = "@node-llama-cpp/linux-x64";
    private const string Version = "3.22.1";
    private static readonly Lazy<string?> s_folder = new(Find);
    private static readonly Lazy<nint> s_library = new(Load);

    /// <summary>Whether it is here, or npm could bring it.</summary>
    public static bool IsThere => s_folder.Value is not null;

    /// <summary>A function of it.</summary>
    public static nint Function(string name) => NativeLibrary.GetExport(s_library.Value, name);

    // Installed beside the repository's other packages from npm, but apart, so that npm does not remove those.
    private static string? Find()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return null;
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "ML.Pruning.sln"))) root = root.Parent;
        if (root is null) return null;
        string prefix = Path.Combine(root.FullName, "artifacts", "npm-llama.cpp"),
            folder = Path.Combine(prefix, "node_modules", Package, "bins", "linux-x64");
        return Directory.Exists(folder) || Install(prefix) && Directory.Exists(folder) ? folder : null;
    }

    private static bool Install(string prefix)
    {
        Directory.CreateDirectory(prefix);
        try
        {
            using Process npm = Process.Start("npm", ["install", "--prefix", prefix, "--no-save", "--no-package-lock",
                "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", $"{Package}@{Version}"]);
            npm.WaitForExit();
            return npm.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // there is no npm
        }
    }

    private static nint Load()
    {
        string folder = s_folder.Value!;
        nint ggml = NativeLibrary.Load(Directory.GetFiles(folder, "libggml.v*.so")[0]);
        nint llama = NativeLibrary.Load(Directory.GetFiles(folder, "libllama.v*.so")[0]);
        ((delegate* unmanaged<delegate* unmanaged<int, byte*, void*, void>, void*, void>)NativeLibrary.GetExport(
            llama, "llama_log_set"))(&Ignore, null);
        nint path = Marshal.StringToCoTaskMemUTF8(folder);
        ((delegate* unmanaged<nint, void>)NativeLibrary.GetExport(ggml, "ggml_backend_load_all_from_path"))(path);
        Marshal.FreeCoTaskMem(path);
        ((delegate* unmanaged<void>)NativeLibrary.GetExport(llama, "llama_backend_init"))();
        return llama;
    }

    [UnmanagedCallersOnly]
    private static void Ignore(int level, byte* text, void* context)
    {
    }
}
