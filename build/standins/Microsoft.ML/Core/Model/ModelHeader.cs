using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// The 256 bytes before a model block. The file is: header, model block, string table (the byte offsets at which the
/// strings end), string characters (UTF-16), assembly name (UTF-16), tail signature. All offsets count from the start
/// of the header; a part that is absent has offset and size 0. Little-endian.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
internal struct ModelHeader
{
    public const int Size = 0x100;

    /// <summary>"ML MODEL" with 0 for the space.</summary>
    public const ulong SignatureValue = 0x4C45444F4D004C4DUL;
    public const ulong TailSignatureValue = 0x4D4C004D4F44454CUL;

    private const uint VerAssemblyName = 0x00010002;
    private const uint VerWrittenCur = VerAssemblyName;
    private const uint VerReadableCur = VerAssemblyName;
    private const uint VerWeCanReadBack = 0x00010001;
    private const int LoaderSignatureLength = 24;

    public ulong Signature;
    public uint VerWritten;
    public uint VerReadable;
    public long FpModel;
    public long CbModel;
    public long FpStringTable;
    public long CbStringTable;
    public long FpStringChars;
    public long CbStringChars;
    public ulong ModelSignature;
    public uint ModelVerWritten;
    public uint ModelVerReadable;
    public ulong LoaderSignature0;
    public ulong LoaderSignature1;
    public ulong LoaderSignature2;
    public ulong LoaderSignatureAlt0;
    public ulong LoaderSignatureAlt1;
    public ulong LoaderSignatureAlt2;
    public long FpTail;
    public long FpLim;
    public long FpAssemblyName;
    public uint CbAssemblyName;

    /// <summary>Leaves room for the header; the writer then stands at the model block.</summary>
    public static void BeginWrite(BinaryWriter writer, out long fpMin, out ModelHeader header)
    {
        fpMin = writer.BaseStream.Position;
        header = default;
        header.Signature = SignatureValue;
        header.VerWritten = VerWrittenCur;
        header.VerReadable = VerReadableCur;
        header.FpModel = Size;
        writer.Write(new byte[Size]);
    }

    /// <summary>The writer stands at the end of the model block: writes what follows it, then the header.</summary>
    public static void EndWrite(BinaryWriter writer, long fpMin, ref ModelHeader header, IReadOnlyList<string> strings,
        string loaderAssemblyName)
    {
        writer.Flush();
        long Here() => writer.BaseStream.Position - fpMin;
        header.CbModel = Here() - header.FpModel;
        if (strings.Count > 0)
        {
            header.FpStringTable = Here();
            long end = 0;
            foreach (string s in strings) writer.Write(end += s.Length * sizeof(char));
            header.CbStringTable = Here() - header.FpStringTable;
            header.FpStringChars = Here();
            foreach (string s in strings) writer.Write(MemoryMarshal.AsBytes(s.AsSpan()));
            header.CbStringChars = Here() - header.FpStringChars;
        }
        if (!string.IsNullOrEmpty(loaderAssemblyName))
        {
            header.FpAssemblyName = Here();
            writer.Write(MemoryMarshal.AsBytes(loaderAssemblyName.AsSpan()));
            header.CbAssemblyName = (uint)(Here() - header.FpAssemblyName);
        }
        header.FpTail = Here();
        writer.Write(TailSignatureValue);
        header.FpLim = Here();

        writer.BaseStream.Position = fpMin;
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<ModelHeader>(in header)));
        writer.BaseStream.Position = fpMin + header.FpLim;
    }

    public static void SetVersionInfo(ref ModelHeader header, VersionInfo version)
    {
        header.ModelSignature = version.ModelSignature;
        header.ModelVerWritten = version.VerWrittenCur;
        header.ModelVerReadable = version.VerReadableCur;
        SetLoaderSignature(ref header.LoaderSignature0, version.LoaderSignature);
        SetLoaderSignature(ref header.LoaderSignatureAlt0, version.LoaderSignatureAlt);
    }

    /// <summary>Reads and validates everything but the model block, at whose start the reader then stands.</summary>
    /// <exception cref="FormatException">It is not a model, or a damaged one.</exception>
    public static void BeginRead(BinaryReader reader, out long fpMin, out ModelHeader header, out string[] strings,
        out string loaderAssemblyName)
    {
        Stream stream = reader.BaseStream;
        fpMin = stream.Position;
        header = default;
        int read = stream.ReadAtLeast(MemoryMarshal.AsBytes(new Span<ModelHeader>(ref header)), Size, false);
        Contracts.CheckDecode(read == Size);
        Validate(in header, stream.Length - fpMin);

        stream.Position = fpMin + header.FpModel + header.CbModel;
        strings = header.FpStringTable == 0 ? null : ReadStrings(reader, in header);
        loaderAssemblyName = ReadString(reader, header.CbAssemblyName);
        Contracts.CheckDecode(reader.ReadUInt64() == TailSignatureValue, "Corrupt model file tail");
        stream.Position = fpMin + header.FpModel;
    }

    /// <summary>The model block must have been read to its last byte.</summary>
    public static void EndRead(BinaryReader reader, long fpMin, in ModelHeader header)
    {
        Contracts.CheckDecode(reader.BaseStream.Position - fpMin == header.FpModel + header.CbModel);
        reader.BaseStream.Position = fpMin + header.FpLim;
    }

    public static void CheckVersionInfo(in ModelHeader header, VersionInfo version)
    {
        Contracts.CheckDecode(header.ModelSignature == version.ModelSignature, "Unknown file type");
        Contracts.CheckDecode(header.ModelVerReadable <= header.ModelVerWritten, "Corrupt file header");
        Contracts.CheckDecode(header.ModelVerReadable <= version.VerWrittenCur,
            $"The component '{version.LoaderSignature}' of the model is too new: it can be read from version " +
            $"{header.ModelVerReadable:X8} on, and this is version {version.VerWrittenCur:X8}.");
        Contracts.CheckDecode(header.ModelVerWritten >= version.VerWeCanReadBack,
            $"The component '{version.LoaderSignature}' of the model is too old: it has version " +
            $"{header.ModelVerWritten:X8}, and versions from {version.VerWeCanReadBack:X8} on can be read.");
    }

    public static string GetLoaderSig(ref ModelHeader header) => GetLoaderSignature(ref header.LoaderSignature0);

    public static string GetLoaderSigAlt(ref ModelHeader header) => GetLoaderSignature(ref header.LoaderSignatureAlt0);

    /// <summary>The parts must follow each other without gaps and end within the given size.</summary>
    private static void Validate(in ModelHeader header, long size)
    {
        Contracts.CheckDecode(header.Signature == SignatureValue, "Wrong file type");
        Contracts.CheckDecode(header.VerReadable <= header.VerWritten, "Corrupt file header");
        Contracts.CheckDecode(header.VerReadable <= VerWrittenCur, "File is too new");
        Contracts.CheckDecode(header.VerWritten >= VerWeCanReadBack, "File is too old");

        long at = Size;
        Follow(header.FpModel, header.CbModel, 1);
        if (header.FpStringTable == 0)
        {
            Contracts.CheckDecode((header.CbStringTable | header.FpStringChars | header.CbStringChars) == 0);
        }
        else
        {
            Contracts.CheckDecode(header.CbStringTable > 0);
            Follow(header.FpStringTable, header.CbStringTable, sizeof(long));
            Follow(header.FpStringChars, header.CbStringChars, sizeof(char));
        }
        if (header.FpAssemblyName == 0) Contracts.CheckDecode(header.CbAssemblyName == 0);
        else Follow(header.FpAssemblyName, header.CbAssemblyName, sizeof(char));
        Follow(header.FpTail, sizeof(ulong), 1);
        Contracts.CheckDecode(header.FpLim == at);

        void Follow(long offset, long length, int unit)
        {
            Contracts.CheckDecode(offset == at && 0 <= length && length <= size - at && length % unit == 0);
            at += length;
        }
    }

    private static string[] ReadStrings(BinaryReader reader, in ModelHeader header)
    {
        var ends = new long[header.CbStringTable / sizeof(long)];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(ends.AsSpan()));
        var strings = new string[ends.Length];
        long start = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            Contracts.CheckDecode(start <= ends[i] && ends[i] <= header.CbStringChars && ends[i] % sizeof(char) == 0);
            strings[i] = ReadString(reader, ends[i] - start);
            start = ends[i];
        }
        Contracts.CheckDecode(start == header.CbStringChars);
        return strings;
    }

    private static string ReadString(BinaryReader reader, long byteCount)
    {
        Contracts.CheckDecode(byteCount < Array.MaxLength);
        return Encoding.Unicode.GetString(reader.ReadBytes((int)byteCount));
    }

    private static void SetLoaderSignature(ref ulong first, string signature)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref first, 3));
        bytes.Clear();
        if (signature == null) return;
        Contracts.Check(signature.Length <= LoaderSignatureLength && signature.All(c => c <= 0xFF));
        Encoding.Latin1.GetBytes(signature, bytes);
    }

    private static string GetLoaderSignature(ref ulong first) =>
        Encoding.Latin1.GetString(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref first, 3))).TrimEnd('\0');
}
