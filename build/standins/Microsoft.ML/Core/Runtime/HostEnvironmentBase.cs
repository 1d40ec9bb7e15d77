using System.Collections.Concurrent;

namespace Microsoft.ML.Runtime;

/// <summary>
/// A complete environment: hosts, channels, listeners and random numbers. A host is an environment with a parent.
/// </summary>
internal abstract class HostEnvironmentBase<TEnv> : ChannelProviderBase, IHostEnvironmentInternal
    where TEnv : HostEnvironmentBase<TEnv>
{
    private readonly HostEnvironmentBase<TEnv> _parent;
    private readonly HostEnvironmentBase<TEnv> _root;
    private readonly Random _rand;
    private readonly ConcurrentDictionary<Type, Delegate> _listeners;
    private int? _seed;
    private string _tempFilePath = Path.GetTempPath();

    protected HostEnvironmentBase(Random rand, bool verbose) : base(null, null, verbose)
    {
        _root = this;
        _rand = rand;
        _listeners = new ConcurrentDictionary<Type, Delegate>();
        ComponentCatalog = new ComponentCatalog();
    }

    private HostEnvironmentBase(HostEnvironmentBase<TEnv> parent, string shortName, string parentFullName, Random rand,
        bool verbose) : base(shortName, parentFullName, verbose)
    {
        _parent = parent;
        _root = parent._root;
        _rand = rand;
        _listeners = parent._listeners;
        ComponentCatalog = parent.ComponentCatalog;
    }

    public ComponentCatalog ComponentCatalog { get; }

    public int? Seed
    {
        get => _root._seed;
        set => _root._seed = value;
    }

    public string TempFilePath
    {
        get => _root._tempFilePath;
        set => _root._tempFilePath = value;
    }

    public override string ContextDescription => "HostEnvironment";

    /// <summary>As in the real package, a host's full name leaves out the host that registered it.</summary>
    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        Random rand;
        lock (_listeners)
        {
            rand = seed == null ? RandomUtils.Create(_rand) : RandomUtils.Create(seed);
        }
        return new Host(this, name, _parent?.FullName, rand, verbose ?? Verbose);
    }

    public IChannel Start(string name) => new Channel(this, name, Dispatch);

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this, name, Dispatch);

    public IProgressChannel StartProgressChannel(string name)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        return new SilentProgressChannel();
    }

    public void AddListener<TMessage>(Action<IMessageSource, TMessage> listener)
    {
        Contracts.CheckValue(listener, nameof(listener));
        _listeners.AddOrUpdate(typeof(TMessage), listener, (_, present) => Delegate.Combine(present, listener));
    }

    public override TException Process<TException>(TException ex)
    {
        if (ex != null) Contracts.Mark(ex).Data["Throwing component"] = "Environment";
        return ex;
    }

    private void Dispatch<TMessage>(IMessageSource source, TMessage message)
    {
        if (_listeners.TryGetValue(typeof(TMessage), out Delegate listener))
            ((Action<IMessageSource, TMessage>)listener)(source, message);
    }

    private sealed class Host : HostEnvironmentBase<TEnv>, IHost
    {
        internal Host(HostEnvironmentBase<TEnv> parent, string shortName, string parentFullName, Random rand,
            bool verbose) : base(parent, shortName, parentFullName, rand, verbose)
        {
        }

        public Random Rand => _rand;
    }
}
