using System.IO.Compression;
using System.Text;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Combining classes, decompositions and compositions of the Unicode Character Database 15.0.</summary>
/// <remarks>The data are copyright Unicode, Inc., under the Unicode License (https://www.unicode.org/license.txt).
/// </remarks>
internal sealed class UnicodeTables
{
    private const int CanonicalKind = 1;
    private const int ExcludedKind = 2;

    private static readonly Lazy<UnicodeTables> s_instance = new(() => new UnicodeTables());

    private readonly Dictionary<int, byte> _classes = [];
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatibility = [];
    private readonly Dictionary<long, int> _compositions = [];

    private UnicodeTables()
    {
        var canonical = new Dictionary<int, int[]>();
        var compatibility = new Dictionary<int, int[]>();
        var composable = new List<int>();
        Read(canonical, compatibility, composable);
        foreach (int codePoint in canonical.Keys)
            _canonical[codePoint] = Expand(codePoint, canonical, null);
        foreach (int codePoint in canonical.Keys.Concat(compatibility.Keys))
            _compatibility[codePoint] = Expand(codePoint, canonical, compatibility);
        foreach (int codePoint in composable)
        {
            int[] parts = canonical[codePoint];
            if (parts.Length == 2 && CombiningClass(codePoint) == 0 && CombiningClass(parts[0]) == 0)
                _compositions[Key(parts[0], parts[1])] = codePoint;
        }
    }

    /// <summary>The tables; read on first use.</summary>
    public static UnicodeTables Instance => s_instance.Value;

    /// <summary>The canonical combining class; 0 for a starter.</summary>
    public byte CombiningClass(int codePoint) => _classes.GetValueOrDefault(codePoint);

    /// <summary>The full decomposition of a code point, or null where it is its own.</summary>
    public int[]? Decomposition(int codePoint, bool compatibility)
        => (compatibility ? _compatibility : _canonical).GetValueOrDefault(codePoint);

    /// <summary>The code point that two compose to, or -1.</summary>
    public int Compose(int first, int second) => _compositions.GetValueOrDefault(Key(first, second), -1);

    private static long Key(int first, int second) => ((long)first << 32) | (uint)second;

    private static int[] Expand(
        int codePoint, Dictionary<int, int[]> canonical, Dictionary<int, int[]>? compatibility)
    {
        if (!canonical.TryGetValue(codePoint, out int[]? parts)
            && (compatibility is null || !compatibility.TryGetValue(codePoint, out parts)))
            return [codePoint];
        return [.. parts.SelectMany(part => Expand(part, canonical, compatibility))];
    }

    private void Read(
        Dictionary<int, int[]> canonical, Dictionary<int, int[]> compatibility, List<int> composable)
    {
        using Stream resource = typeof(UnicodeTables).Assembly.GetManifestResourceStream("UnicodeData.bin")
            ?? throw new InvalidOperationException("The assembly lacks its resource UnicodeData.bin; rebuild it.");
        using var brotli = new BrotliStream(resource, CompressionMode.Decompress);
        using var reader = new BinaryReader(brotli, Encoding.UTF8);
        int count = reader.Read7BitEncodedInt();
        int codePoint = 0;
        for (int i = 0; i < count; i++)
        {
            codePoint += reader.Read7BitEncodedInt();
            byte combiningClass = reader.ReadByte();
            if (combiningClass != 0)
                _classes[codePoint] = combiningClass;
            int kind = reader.ReadByte();
            if (kind == 0)
                continue;
            var parts = new int[reader.Read7BitEncodedInt()];
            for (int k = 0; k < parts.Length; k++)
                parts[k] = reader.Read7BitEncodedInt();
            (kind is CanonicalKind or ExcludedKind ? canonical : compatibility)[codePoint] = parts;
            if (kind == CanonicalKind)
                composable.Add(codePoint);
        }
    }
}
