namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A module that runs callbacks around <c>forward</c> when called through <c>call</c>.</summary>
        public class HookableModule<TPreHook, TPostHook> : Module
        {
            private int _nextKey;

            protected Dictionary<string, TPreHook> pre_hooks = [];
            protected Dictionary<string, TPostHook> post_hooks = [];

            protected HookableModule(string name)
                : base(name)
            {
            }

            private protected IEnumerable<TPreHook> PreHooks => pre_hooks.Values;

            private protected IEnumerable<TPostHook> PostHooks => post_hooks.Values;

            public HookRemover register_forward_hook(TPostHook hook)
            {
                string key = NewKey();
                post_hooks.Add(key, hook);
                return new HookRemover(this, key);
            }

            public HookRemover register_forward_pre_hook(TPreHook hook)
            {
                string key = NewKey();
                pre_hooks.Add(key, hook);
                return new HookRemover(this, key);
            }

            private string NewKey() => (_nextKey++).ToString();

            /// <summary>Takes a callback off its module.</summary>
            public class HookRemover(HookableModule<TPreHook, TPostHook> module, string key)
            {
                public void remove()
                {
                    module.pre_hooks.Remove(key);
                    module.post_hooks.Remove(key);
                }
            }
        }
    }
}
