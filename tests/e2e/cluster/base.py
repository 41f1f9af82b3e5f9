"""The interface behind which the suite doesn't know what kind of cluster it has."""

import abc


class Cluster(abc.ABC):
    """A Kubernetes of three nodes in three zones. Made by `choice.choose`, also for one that is up already."""

    kind: str
    """`own` or `kind`."""

    cannot_prove: tuple[str, ...]
    """What no test on this cluster can show, in words for people."""

    @property
    @abc.abstractmethod
    def kubeconfig(self):
        """The path of the administrator's kubeconfig."""

    @property
    @abc.abstractmethod
    def prefix(self):
        """What to put before a command so that it reaches the API server and the nodes' addresses, as an outsider."""

    @property
    @abc.abstractmethod
    def nodes(self):
        """The names of the nodes that run pods."""

    @abc.abstractmethod
    def up(self):
        """Brings the cluster up; returns when its nodes are Ready."""

    @abc.abstractmethod
    def down(self):
        """Takes the cluster down, whatever is left of it, without a trace."""

    @abc.abstractmethod
    def is_up(self):
        """Whether there is a cluster."""

    @abc.abstractmethod
    def load_images(self, archives):
        """Gives image archives to every node."""

    @abc.abstractmethod
    def node_ip(self, node):
        """The address by which an outsider reaches a node."""

    @abc.abstractmethod
    def node_exec(self, node):
        """What to put before a command so that it runs on a node."""

    @abc.abstractmethod
    def stop_node(self, node):
        """Cuts a node's power: its processes die at once, its disks stay."""

    @abc.abstractmethod
    def start_node(self, node):
        """Switches a node on again. When it is Ready again the API says."""

    @abc.abstractmethod
    def cut_link(self, node):
        """Pulls a node's cable: its processes run on, alone."""

    @abc.abstractmethod
    def mend_link(self, node):
        """Plugs it in again."""

    @abc.abstractmethod
    def stop_api_server(self):
        """Kills the API server; it stays down until `start_api_server`."""

    @abc.abstractmethod
    def start_api_server(self):
        """Starts the API server and returns when it is ready."""

    @abc.abstractmethod
    def pause_api_server(self):
        """The API server's connections stay open and nothing answers, until `resume_api_server`."""

    @abc.abstractmethod
    def resume_api_server(self):
        """Ends the pause."""

    @abc.abstractmethod
    def collect_logs(self, folder):
        """Copies the ends of the logs of Kubernetes' own programs into a folder."""
