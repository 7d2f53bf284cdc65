"""nbgrader as students have it: the exchange of the hub, and validation in a kernel that nobody else can listen to."""

c = get_config()  # noqa: F821  (nbgrader defines it)

c.ExchangeFactory.list = "equipoise_exchange.ExchangeList"
c.ExchangeFactory.fetch_assignment = "equipoise_exchange.ExchangeFetchAssignment"
c.ExchangeFactory.fetch_feedback = "equipoise_exchange.ExchangeFetchFeedback"
c.ExchangeFactory.submit = "equipoise_exchange.ExchangeSubmit"
c.KernelManager.transport = "ipc"
