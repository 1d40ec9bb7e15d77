using Microsoft.ML.Data;

namespace Microsoft.ML.Data
{
    public interface IMultiStreamSource
    {
        int Count { get; }

        string GetPathOrNull(int index);

        Stream Open(int index);

        TextReader OpenTextReader(int index);
    }

    public sealed class MultiFileSource : IMultiStreamSource
    {
        private readonly string[] _paths;

        public MultiFileSource(params string[] paths)
        {
            // Calling it with a single null gives an empty source.
            _paths = paths is null or [null] ? [] : paths;
        }

        public int Count => _paths.Length;

        public string GetPathOrNull(int index)
        {
            Check.Param((uint)index < (uint)_paths.Length, nameof(index));
            return _paths[index];
        }

        public Stream Open(int index) => File.OpenRead(GetPathOrNull(index));

        public TextReader OpenTextReader(int index) => new StreamReader(Open(index));
    }
}

namespace Microsoft.ML
{
    public static class DataLoaderExtensions
    {
        public static IDataView Load(this IDataLoader<IMultiStreamSource> loader, params string[] path) =>
            loader.Load(new MultiFileSource(path));
    }
}
