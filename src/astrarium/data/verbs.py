"""Verbs that an imperative subject of a commit begins with."""

_WORDS = """
abort accelerate accept access add address adjust align allow annotate append apply archive arrange assert
assign attach augment automate avoid block boost break build bump bundle cache calculate call cast catch change
check choose clarify clean cleanup clear clone close collect combine comment compare compile complete compress
compute configure connect consolidate convert copy correct count cover create customize deal debug declare
decode decouple decrease deduplicate default defer define delay delete deploy deprecate derive describe detach
detect determine disable discard display divide document downgrade drop dump edit eliminate embed emit enable
encode encrypt enforce enhance ensure escape exclude execute exit expand expect explain export expose extend
extract factor fail fetch fill filter finish fix flatten force format forward gather generalize generate get
give group guard handle hide ignore implement import improve include increase increment indent index infer
inherit initialize inline insert install integrate interpolate introduce invert isolate join keep kill leave let
limit link lint list load lock log lower maintain make manage map mark mask match measure merge migrate mock
modernize modify monitor move name normalize omit open optimize order organize override package pad parse pass
patch permit pin place polish prefer prepare prepend preserve prevent print process propagate protect provide
prune publish pull purge push put quote raise randomize read rearrange rebase rebuild reconfigure record
redefine redirect reduce refactor refine reformat refresh register reimplement relax release reload relocate
remove rename render reorder reorganize repair replace report require reset reshape resolve respect restore
restrict restructure retry return reuse revert review revise reword rework rewrite round run save scale schedule
secure select send separate serialize set setup shorten show silence simplify skip sort specify speed split
stabilize standardize start stop store streamline strip structure submit substitute subtract support suppress
swap switch sync synchronize tag take teach terminate test throw tidy tighten toggle track transform translate
trigger trim truncate try turn tweak unify uninstall unpack unwrap update upgrade use validate verify warn watch
wrap write yield
"""

IMPERATIVES = frozenset(_WORDS.split())
