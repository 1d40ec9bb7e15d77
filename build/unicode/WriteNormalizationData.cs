#:property PublishAot=false
// Writes the table behind UnicodeNormalization from the Unicode Character Database (on Debian: apt-get install
// unicode-data, then the folder is /usr/share/unicode):
//   dotnet run build/unicode/WriteNormalizationData.cs -- FOLDER OUTPUT
// where OUTPUT is src/ML.Pruning/Tokenization/Normalizers/UnicodeData.bin.
// Format, Brotli-compressed; numbers are 7-bit encoded: count, then for each code point in ascending order: the
// distance from the one before, its canonical combining class, a kind (0 no decomposition, 1 canonical, 2 canonical
// but excluded from composition, 3 compatibility), and for kinds 1 to 3 the length and the code points of its
// decomposition.
using System.Globalization;
using System.IO.Compression;
using System.Text;

string folder = args[0];
var excluded = new HashSet<int>();
foreach (string line in File.ReadLines(Path.Combine(folder, "CompositionExclusions.txt")))
{
    string first = line.Split('#')[0].Trim();
    if (first.Length > 0)
        excluded.Add(Hex(first));
}

var entries = new List<(int CodePoint, int Class, int Kind, int[] Parts)>();
foreach (string line in File.ReadLines(Path.Combine(folder, "UnicodeData.txt")))
{
    string[] fields = line.Split(';');
    int codePoint = Hex(fields[0]);
    int combiningClass = int.Parse(fields[3], CultureInfo.InvariantCulture);
    string[] words = fields[5].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    bool compatibility = words.Length > 0 && words[0][0] == '<';
    int[] parts = [.. words.Skip(compatibility ? 1 : 0).Select(Hex)];
    int kind = parts.Length == 0 ? 0 : compatibility ? 3 : excluded.Contains(codePoint) ? 2 : 1;
    if (kind != 0 || combiningClass != 0)
        entries.Add((codePoint, combiningClass, kind, parts));
}

using var file = File.Create(args[1]);
using var brotli = new BrotliStream(file, CompressionLevel.SmallestSize);
using var writer = new BinaryWriter(brotli, Encoding.UTF8);
writer.Write7BitEncodedInt(entries.Count);
int previous = 0;
foreach ((int codePoint, int combiningClass, int kind, int[] parts) in entries)
{
    writer.Write7BitEncodedInt(codePoint - previous);
    writer.Write((byte)combiningClass);
    writer.Write((byte)kind);
    previous = codePoint;
    if (kind == 0)
        continue;
    writer.Write7BitEncodedInt(parts.Length);
    foreach (int part in parts)
        writer.Write7BitEncodedInt(part);
}

static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
