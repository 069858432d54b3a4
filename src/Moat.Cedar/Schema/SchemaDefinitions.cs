namespace Moat.Cedar;

/// <summary>All that the fragments of one schema declare, by full name, and what a name written in one of their namespaces means.</summary>
internal sealed class SchemaDefinitions
{
    private readonly SchemaProblems problems;
    private readonly HashSet<string> actionTypes = [];

    public SchemaDefinitions(IEnumerable<SchemaFragment> fragments, SchemaProblems problems)
    {
        this.problems = problems;
        foreach (var fragment in fragments)
        {
            foreach (var space in fragment.Namespaces) Add(new SchemaScope(space.Name, fragment.Source), space);
        }

        FindShadows();
    }

    public Dictionary<string, (SchemaScope Scope, CommonTypeDeclaration Declaration)> CommonTypes { get; } = [];

    public Dictionary<string, (SchemaScope Scope, EntityTypeDeclaration Declaration)> EntityTypes { get; } = [];

    public Dictionary<EntityUid, (SchemaScope Scope, ActionDeclaration Declaration)> Actions { get; } = [];

    /// <summary>The full name of a common type or, failing that, of an entity type; null, and reported, when it is neither.</summary>
    public string? Find(SchemaScope scope, string name, SourceSpan span, bool common, bool entity)
    {
        foreach (var candidate in Candidates(scope, name))
        {
            if ((common && IsCommon(candidate)) || (entity && IsEntity(candidate))) return candidate;
        }

        var what = common ? entity ? "type" : "common type" : "entity type";
        var help = NearNames.Nearest(name, (common ? CommonTypes.Keys.Concat(SchemaNames.BuiltIn.Keys) : []).Concat(entity ? [.. EntityTypes.Keys] : [])) is { } near ? $"did you mean `{near}`?" : null;
        problems.Error(scope, span, $"no {what} `{name}` is declared", help);
        return null;
    }

    /// <summary>The action that a name of a group means; null, and reported, when there is none.</summary>
    public EntityUid? Find(SchemaScope scope, SchemaActionName name)
    {
        foreach (var candidate in Candidates(scope, name.Type ?? "Action"))
        {
            if (!CedarName.IsName(candidate)) continue;
            var uid = new EntityUid(Cedar.EntityType.Checked(candidate), name.Id);
            if (Actions.ContainsKey(uid)) return uid;
        }

        problems.Error(scope, name.Span, $"no action `{name.Id}`{(name.Type is null ? "" : $" of the type {name.Type}")} is declared");
        return null;
    }

    public bool IsCommon(string name) => CommonTypes.ContainsKey(name) || BuiltIn(name) is not null;

    public bool IsEntity(string name) => EntityTypes.ContainsKey(name) || actionTypes.Contains(name);

    /// <summary>The built-in type that a full name means unless the schema declares the name itself; null for another name.</summary>
    public CedarKind? BuiltIn(string name)
    {
        const string Prefix = CedarName.ReservedNamespace + "::";
        var qualified = name.StartsWith(Prefix, StringComparison.Ordinal);
        if (!SchemaNames.BuiltIn.TryGetValue(qualified ? name[Prefix.Length..] : name, out var kind)) return null;
        return qualified || (!CommonTypes.ContainsKey(name) && !EntityTypes.ContainsKey(name)) ? kind : null;
    }

    // A name with a namespace is full. One without is looked for in the namespace where it stands and then outside any.
    private static IEnumerable<string> Candidates(SchemaScope scope, string name)
    {
        if (!name.Contains(':', StringComparison.Ordinal) && scope.Name.Length > 0) yield return SchemaNames.Qualify(scope.Name, name);
        yield return name;
    }

    private void Add(SchemaScope scope, SchemaNamespace space)
    {
        foreach (var type in space.CommonTypes)
        {
            var name = SchemaNames.Qualify(space.Name, type.Name);
            if (SchemaNames.CommonTypeProblem(type.Name) is { } problem) problems.Error(scope, type.NameSpan, problem);
            else if (!CommonTypes.TryAdd(name, (scope, type))) problems.Error(scope, type.NameSpan, $"the common type `{name}` is declared twice");
        }

        foreach (var type in space.EntityTypes)
        {
            var name = SchemaNames.Qualify(space.Name, type.Name);
            if (SchemaNames.EntityTypeProblem(type.Name) is { } problem) problems.Error(scope, type.NameSpan, problem);
            else if (!EntityTypes.TryAdd(name, (scope, type))) problems.Error(scope, type.NameSpan, $"the entity type `{name}` is declared twice");
        }

        foreach (var action in space.Actions)
        {
            var type = SchemaNames.Qualify(space.Name, "Action");
            actionTypes.Add(type);
            var uid = new EntityUid(Cedar.EntityType.Checked(type), action.Name);
            if (!Actions.TryAdd(uid, (scope, action))) problems.Error(scope, action.NameSpan, $"the action {uid} is declared twice");
        }
    }

    // What is declared outside any namespace must not be declared in one as well, lest a name mean now this and now that.
    private void FindShadows()
    {
        var named = CommonTypes.Select(t => (Name: t.Key, t.Value.Scope, t.Value.Declaration.NameSpan))
            .Concat(EntityTypes.Select(t => (Name: t.Key, t.Value.Scope, t.Value.Declaration.NameSpan)));
        foreach (var (name, scope, span) in named)
        {
            var last = name.LastIndexOf(':');
            if (last < 0) continue;
            var plain = name[(last + 1)..];
            if (CommonTypes.ContainsKey(plain) || EntityTypes.ContainsKey(plain))
            {
                problems.Error(scope, span, $"`{name}` hides `{plain}`, which is declared outside any namespace", "give one of them another name");
            }
        }

        var outside = Cedar.EntityType.Checked("Action");
        foreach (var (uid, (scope, action)) in Actions)
        {
            if (uid.Type != outside && Actions.ContainsKey(new EntityUid(outside, uid.Id)))
            {
                problems.Error(scope, action.NameSpan, $"{uid} hides {new EntityUid(outside, uid.Id)}, which is declared outside any namespace", "give one of them another name");
            }
        }
    }
}

/// <summary>Where a declaration stands: the namespace and the text.</summary>
/// <param name="Name">Of the namespace; empty outside any.</param>
/// <param name="Source">Null when it came from JSON or was built in code.</param>
internal readonly record struct SchemaScope(string Name, SourceText? Source);

/// <summary>Takes what is wrong with a schema.</summary>
internal sealed class SchemaProblems(ICollection<Diagnostic> diagnostics)
{
    public bool Any { get; private set; }

    public void Error(SchemaScope scope, SourceSpan span, string message, string? help = null)
    {
        Any = true;
        diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, message) { Source = scope.Source, Span = span, Help = help });
    }
}
