using System.Diagnostics;

namespace Microsoft.ML.Runtime;

internal abstract class ChannelProviderBase : IExceptionContext
{
    protected ChannelProviderBase(string shortName, string parentFullName, bool verbose)
    {
        ShortName = shortName;
        ParentFullName = parentFullName;
        Verbose = verbose;
    }

    public string ShortName { get; }

    public string ParentFullName { get; }

    public string FullName => string.IsNullOrEmpty(ParentFullName) ? ShortName : $"{ParentFullName}; {ShortName}";

    public bool Verbose { get; }

    public virtual string ContextDescription => FullName;

    public abstract TException Process<TException>(TException ex) where TException : Exception;
}

internal class Pipe<TMessage> : ChannelProviderBase, IPipe<TMessage>, IMessageSource
{
    private readonly ChannelProviderBase _parent;
    private readonly Action<IMessageSource, TMessage> _dispatch;
    private bool _disposed;

    internal Pipe(ChannelProviderBase parent, string name, Action<IMessageSource, TMessage> dispatch)
        : base(name, parent.FullName, parent.Verbose)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        _parent = parent;
        _dispatch = dispatch;
    }

    public void Send(TMessage msg) => _dispatch(this, msg);

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        OnDispose();
    }

    public override TException Process<TException>(TException ex)
    {
        if (ex == null) return null;
        Contracts.Mark(ex);
        ex.Data["Throwing component"] = _parent.ShortName;
        ex.Data["Parent component"] = _parent.ParentFullName;
        ex.Data["Phase"] = ShortName;
        return ex;
    }

    protected virtual void OnDispose()
    {
    }
}

/// <summary>Says that it started, that it finished and after how long, and that it was disposed, as traces.</summary>
internal sealed class Channel : Pipe<ChannelMessage>, IChannel
{
    private readonly long _started = Stopwatch.GetTimestamp();

    internal Channel(ChannelProviderBase parent, string name, Action<IMessageSource, ChannelMessage> dispatch)
        : base(parent, name, dispatch) => Trace(MessageSensitivity.None, "Channel started");

    public void Trace(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Trace, sensitivity, fmt);

    public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args) =>
        Send(ChannelMessageKind.Trace, sensitivity, fmt, args);

    public void Error(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Error, sensitivity, fmt);

    public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) =>
        Send(ChannelMessageKind.Error, sensitivity, fmt, args);

    public void Warning(MessageSensitivity sensitivity, string fmt) =>
        Send(ChannelMessageKind.Warning, sensitivity, fmt);

    public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args) =>
        Send(ChannelMessageKind.Warning, sensitivity, fmt, args);

    public void Info(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Info, sensitivity, fmt);

    public void Info(MessageSensitivity sensitivity, string fmt, params object[] args) =>
        Send(ChannelMessageKind.Info, sensitivity, fmt, args);

    protected override void OnDispose()
    {
        Trace(MessageSensitivity.None, "Channel finished. Elapsed {0:c}.", Stopwatch.GetElapsedTime(_started));
        Trace(MessageSensitivity.None, "Channel disposed");
    }

    private void Send(ChannelMessageKind kind, MessageSensitivity sensitivity, string fmt, object[] args = null) =>
        Send(new ChannelMessage(kind, sensitivity, fmt, args));
}

/// <summary>Under MLContext nobody reads progress entries, on the real package either.</summary>
internal sealed class SilentProgressChannel : IProgressChannel
{
    private bool _disposed;

    public IProgressChannel StartProgressChannel(string name) => new SilentProgressChannel();

    public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction)
    {
    }

    public void Checkpoint(params double?[] values) =>
        Contracts.Check(!_disposed, "Can't report checkpoints after disposing");

    public void Dispose() => _disposed = true;
}
