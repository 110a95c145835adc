"""Rights in Kubernetes that are worth more than they look: a table, the heaviest first."""

from dataclasses import dataclass

from accounts.connectors.records import Mark, Reach

_RBAC = "rbac.authorization.k8s.io"
_CERTIFICATES = "certificates.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
# Of the whole cluster: a binding in a namespace opens none of them.
CLUSTER_RESOURCES = frozenset(
    {
        *("nodes", "nodes/proxy", "nodes/status", "persistentvolumes", "namespaces", "storageclasses"),
        *("clusterroles", "clusterrolebindings", "certificatesigningrequests", "signers"),
        *("certificatesigningrequests/approval", "mutatingwebhookconfigurations", "apiservices"),
        *("validatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
        *("customresourcedefinitions", "users", "groups"),
    }
)


@dataclass(frozen=True, slots=True)
class Danger:
    """Verbs on resources, and what they amount to; `text` takes {objects}, {where}, {verbs}, {resources}."""

    weight: int
    resources: tuple[tuple[str, str], ...]  # API group, resource
    verbs: tuple[str, ...]
    noun: str
    text: str
    marks: tuple[Mark, ...]
    reach: Reach | None = None
    cluster_only: frozenset[str] = frozenset()  # resources that a binding in a namespace does not open
    counts_when_named: bool = False  # one object is enough
    dangerous_names: frozenset[str] = frozenset()  # or only one of these
    is_of_existing: bool = False  # `create` acts on an object that exists, so names do limit it

    def counts_for(self, names: tuple[str, ...]) -> bool:
        """True if it is dangerous although it is limited to these names."""
        return self.counts_when_named or not self.dangerous_names.isdisjoint(names)


def _of(group: str, *resources: str) -> tuple[tuple[str, str], ...]:
    return tuple((group, resource) for resource in resources)


DANGERS = (
    Danger(
        1,
        _of(_RBAC, "clusterroles", "roles"),
        ("escalate",),
        "roles",
        "may give {objects} more than it has itself (escalate)",
        ("escalate", "iam_write"),
        cluster_only=frozenset({"clusterroles"}),
        counts_when_named=True,
    ),
    Danger(
        2,
        _of(_RBAC, "clusterroles", "roles"),
        ("bind",),
        "roles",
        "may hand out {objects}, whatever they allow (bind)",
        ("escalate", "iam_write"),
        dangerous_names=frozenset({"cluster-admin", "admin", "edit"}),
    ),
    Danger(
        3,
        _of("", "users", "groups"),
        ("impersonate",),
        "users and groups",
        "may act as {objects} (impersonate)",
        ("impersonate",),
        cluster_only=frozenset({"users", "groups"}),
        counts_when_named=True,
    ),
    Danger(
        3,
        _of("", "serviceaccounts"),
        ("impersonate",),
        "service accounts",
        "may act as {objects} (impersonate)",
        ("impersonate",),
        counts_when_named=True,
    ),
    Danger(
        4,
        _of("", "serviceaccounts/token"),
        ("create",),
        "service accounts",
        "may issue tokens of {objects}, so act as them",
        ("impersonate",),
        counts_when_named=True,
        is_of_existing=True,
    ),
    Danger(
        5,
        _of("", "nodes/proxy"),
        ("get", "create", "update", "patch", "delete"),
        "nodes",
        "may talk to the kubelets of {objects}, so run commands in every container there, past the audit log",
        ("exec", "escalate"),
        "exec",
        cluster_only=frozenset({"nodes/proxy"}),
        counts_when_named=True,
        is_of_existing=True,
    ),
    Danger(
        6,
        # kubectl may open the session by GET as well as by POST.
        _of("", "pods/exec", "pods/attach"),
        ("create", "get"),
        "pods",
        "may open sessions in the containers of {objects} ({resources})",
        ("exec",),
        "exec",
        counts_when_named=True,
        is_of_existing=True,
    ),
    Danger(
        7,
        _of("", "pods/ephemeralcontainers"),
        ("update", "patch"),
        "pods",
        "may put a debugging container into {objects} ({resources})",
        ("exec",),
        "exec",
        counts_when_named=True,
    ),
    Danger(
        8,
        _of("", "secrets"),
        ("get", "list", "watch"),
        "secrets",
        "may read {objects} ({verbs})",
        ("secrets_read",),
    ),
    Danger(
        9,
        _of(_RBAC, "clusterroles", "clusterrolebindings", "roles", "rolebindings"),
        ("create", "update", "patch", "delete", "deletecollection"),
        "roles and bindings",
        "may change who may do what: {verbs} {resources}, {objects}",
        ("iam_write",),
        cluster_only=frozenset({"clusterroles", "clusterrolebindings"}),
    ),
    Danger(
        10,
        _of(_CERTIFICATES, "certificatesigningrequests/approval"),
        ("update", "patch"),
        "certificate requests",
        "may approve {objects}, so have certificates issued that sign in as others",
        ("impersonate",),
        cluster_only=frozenset({"certificatesigningrequests/approval"}),
    ),
    Danger(
        10,
        _of(_CERTIFICATES, "signers"),
        ("approve", "sign"),
        "signers",
        "may approve certificates of {objects}, so have some issued that sign in as others",
        ("impersonate",),
        cluster_only=frozenset({"signers"}),
        dangerous_names=frozenset(  # the others issue certificates that the API server does not accept
            {
                *("kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"),
                *("kubernetes.io/legacy-unknown", "kubernetes.io/*"),
            }
        ),
    ),
    Danger(
        11,
        _of(
            _ADMISSION,
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
        ),
        ("create", "update", "patch"),
        "admission rules",
        "may put itself between requests and the cluster and read or change what is written ({resources})",
        ("escalate",),
        cluster_only=CLUSTER_RESOURCES,
    ),
    Danger(
        12,
        _of("", "persistentvolumes"),
        ("create",),
        "volumes",
        "may make volumes of any folder of a node (hostPath)",
        ("escalate",),
        cluster_only=frozenset({"persistentvolumes"}),
    ),
    Danger(
        13,
        (
            *_of("security.openshift.io", "securitycontextconstraints"),
            *_of("policy", "podsecuritypolicies"),
            *_of("extensions", "podsecuritypolicies"),
        ),
        ("use",),
        "security policies",
        "may start containers under {objects}, which may be privileged ones",
        ("escalate",),
        dangerous_names=frozenset(
            {"privileged", "anyuid", "hostaccess", "hostmount-anyuid", "hostnetwork", "hostnetwork-v2"}
        ),
    ),
    Danger(
        14,
        _of("", "pods"),
        ("create",),
        "pods",
        "may start pods{where}, which can run as any service account there",
        ("escalate",),
    ),
    Danger(
        15,
        (
            *_of("apps", "daemonsets", "deployments", "replicasets", "statefulsets"),
            *_of("extensions", "daemonsets", "deployments", "replicasets"),
            *_of("batch", "cronjobs", "jobs"),
            *_of("", "replicationcontrollers"),
        ),
        ("create", "update", "patch"),
        "workloads",
        "may start or change {objects}, which can run as any service account there ({resources})",
        ("escalate",),
    ),
    Danger(
        16,
        _of("", "namespaces"),
        ("update", "patch"),
        "namespaces",
        "may take the protection of pods (Pod Security) off {objects}",
        ("escalate",),
        cluster_only=frozenset({"namespaces"}),
    ),
)
