using System.Text;

namespace Moat.Cedar;

/// <summary>Writes policies and templates as Cedar, for those that came from JSON or were built in code; <see cref="PolicyFormatter"/> lays the text out.</summary>
public static class PolicyText
{
    /// <summary>The policy or template, without a line feed at its end. A call with the wrong number of arguments, as JSON can hold it, may not be read back.</summary>
    public static string Write(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var text = new StringBuilder();
        foreach (var annotation in policy.Annotations)
        {
            text.Append('@').Append(annotation.Name);
            if (annotation.Value is not null) text.Append('(').Append(CedarString.Quote(annotation.Value)).Append(')');
            text.Append('\n');
        }

        text.Append(policy.Effect == Effect.Permit ? "permit (" : "forbid (");
        WriteScope(text, "principal", policy.Principal);
        text.Append(", ");
        WriteScope(text, "action", policy.Action);
        text.Append(", ");
        WriteScope(text, "resource", policy.Resource);
        text.Append(')');
        foreach (var condition in policy.Conditions)
        {
            text.Append(condition.IsUnless ? "\nunless { " : "\nwhen { ");
            new ExpressionText(text).Write(condition.Body);
            text.Append(" }");
        }

        return text.Append(';').ToString();
    }

    private static void WriteScope(StringBuilder text, string variable, ScopeConstraint constraint)
    {
        text.Append(variable);
        switch (constraint)
        {
            case EqualScope equal:
                text.Append(" == ").Append(equal.Entity);
                break;
            case InScope within:
                text.Append(" in ").Append(within.Entity);
                break;
            case InSetScope set:
                text.Append(" in [").AppendJoin(", ", set.Entities).Append(']');
                break;
            case IsScope test:
                text.Append(" is ").Append(test.Type.Name);
                if (test.Entity is { } ancestor) text.Append(" in ").Append(ancestor);
                break;
        }
    }
}
