using System.Diagnostics;

namespace ML.Pruning.Tests.TestKit;

/// <summary>A file system in memory with room for little, to see what happens on a full disk.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ml-pruning-disk-").FullName;

    private SmallDisk()
    {
    }

    public string this[string name] => Path.Combine(_folder, name);

    public string Folder => _folder;

    public string[] Names =>
        [.. Directory.EnumerateFileSystemEntries(_folder).Select(entry => Path.GetFileName(entry)).Order()];

    /// <summary>Mounts the disk; inconclusive where that is not allowed.</summary>
    public static SmallDisk Mount(int kibibytes)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            Assert.Inconclusive("Only root on Linux can mount a small disk.");
        var disk = new SmallDisk();
        if (Run("mount", "-t", "tmpfs", "-o", $"size={kibibytes}k", "tmpfs", disk._folder)) return disk;
        Directory.Delete(disk._folder);
        Assert.Inconclusive("This system does not let a small disk be mounted.");
        return disk;
    }

    public void Dispose()
    {
        Run("umount", _folder);
        Directory.Delete(_folder);
    }

    private static bool Run(string program, params string[] args)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
