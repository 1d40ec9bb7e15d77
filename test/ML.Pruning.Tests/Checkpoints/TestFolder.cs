using System.Buffers.Binary;
using System.Text;

namespace ML.Pruning.Tests.Checkpoints;

/// <summary>A folder of its own for one test, and safetensors files made by hand.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mlpruning-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string[] Names =>
        [.. Directory.EnumerateFileSystemEntries(Path).Select(System.IO.Path.GetFileName).Order()!];

    /// <summary>Writes length, header and data without any check.</summary>
    public string WriteSafetensors(string name, string header, int dataLength) =>
        Write(name, Safetensors(header, new byte[dataLength]));

    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public static byte[] Safetensors(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
