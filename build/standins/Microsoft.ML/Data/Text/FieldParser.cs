using System.Globalization;

namespace Microsoft.ML.Data;

internal delegate bool FieldParser<T>(ReadOnlySpan<char> text, out T value);

/// <summary>Turns the text of a field into a value; missing text is the default of the type, and text that is no value
/// is the missing value of types that have one.</summary>
internal sealed class FieldParsers(TextLoader.Options options)
{
    private static readonly string[] s_true = ["1", "true", "yes", "t", "y", "+1", "+"];
    private static readonly string[] s_false = ["0", "false", "no", "f", "n", "-1", "-"];

    private readonly NumberFormatInfo _reals = new() { NumberDecimalSeparator = options.DecimalMarker.ToString() };

    /// <summary>A parser of the type's raw values (text fields need none).</summary>
    internal FieldParser<T> For<T>(PrimitiveDataViewType type)
    {
        Delegate parser = type is KeyDataViewType key ? Key<T>(key.Count)
            : typeof(T) == typeof(float) ? (FieldParser<float>)Single
            : typeof(T) == typeof(double) ? (FieldParser<double>)Double
            : typeof(T) == typeof(bool) ? (FieldParser<bool>)Boolean
            : Generic.Call(typeof(FieldParsers), nameof(Parsable), [typeof(T)]) as Delegate;
        return (FieldParser<T>)parser;
    }

    /// <summary>Values in the file count from 0, keys from 1; what is out of range is the missing key, 0.</summary>
    private static FieldParser<T> Key<T>(ulong count) => (ReadOnlySpan<char> text, out T value) =>
    {
        bool good = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number);
        ulong key = good && number < count ? number + 1 : 0;
        value = (T)Convert.ChangeType(key, typeof(T), CultureInfo.InvariantCulture);
        return true;
    };

    private static FieldParser<T> Parsable<T>() where T : ISpanParsable<T> =>
        (ReadOnlySpan<char> text, out T value) =>
        {
            value = default;
            return text.IsEmpty || T.TryParse(text, CultureInfo.InvariantCulture, out value);
        };

    private static bool Boolean(ReadOnlySpan<char> text, out bool value)
    {
        value = IsOneOf(text, s_true);
        return value || text.IsEmpty || IsOneOf(text, s_false);
    }

    private static bool IsOneOf(ReadOnlySpan<char> text, string[] words)
    {
        foreach (string word in words)
            if (text.Equals(word, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }

    private bool Single(ReadOnlySpan<char> text, out float value)
    {
        bool good = Double(text, out double real);
        value = (float)real;
        return good;
    }

    private bool Double(ReadOnlySpan<char> text, out double value)
    {
        if (text.IsEmpty)
        {
            value = options.MissingRealsAsNaNs ? double.NaN : 0;
            return true;
        }
        if (!double.TryParse(text, NumberStyles.Float, _reals, out value)) value = double.NaN;
        return true;
    }
}
