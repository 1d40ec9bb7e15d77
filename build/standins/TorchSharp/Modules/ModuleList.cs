using System.Collections;

namespace TorchSharp.Modules;

/// <summary>Modules named by position.</summary>
/// <remarks>Its items are registered only when an owner registers the list, as in the real one.</remarks>
public class ModuleList<T>(params T[] modules) : torch.nn.Module(nameof(ModuleList<T>)), IList<T>
    where T : torch.nn.Module
{
    private readonly List<T> _items = [.. modules];
    private bool _registered;

    public int Count => _items.Count;

    public bool IsReadOnly => false;

    public T this[int index]
    {
        get => _items[index];
        set => _items[index] = value;
    }

    public void Add(T item) => _items.Add(item);

    public void append(params T[] parameters) => _items.AddRange(parameters);

    public void extend(IEnumerable<T> modules) => _items.AddRange(modules);

    public void Insert(int index, T item) => _items.Insert(index, item);

    public bool Remove(T item) => _items.Remove(item);

    public void RemoveAt(int index) => _items.RemoveAt(index);

    public void Clear() => _items.Clear();

    public bool Contains(T item) => _items.Contains(item);

    public int IndexOf(T item) => _items.IndexOf(item);

    public void CopyTo(T[] array, int arrayIndex) => _items.CopyTo(array, arrayIndex);

    public IEnumerator<T> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    protected override void RegisterComponents()
    {
        if (_registered)
            return;
        for (int i = 0; i < _items.Count; i++)
            register_module(i.ToString(), _items[i]);
        _registered = true;
    }
}
