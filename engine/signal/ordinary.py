"""Words that Isoline itself uses: one of them alone identifies nobody, even where somebody is called by it.

Collected from the texts of the program and its documentation, with the months and the words that carts state; a name
that stands among them ("White", "May") is searched for together with another name only.
"""

ORDINARY = frozenset(
    """
abbreviation abbreviations ablation abnormal abort aborting aborts about above abqrs absence absent absolute acc
accent access accordingly account accumulate accumulation accuracy accurate acquired acquisition across act action
actions activates activations actor acute adapters adaptive adc add added addition addr address addresses adds adjoint
adjusted admission adult advantage advice aecg affected afib aflt afresh afs after afterwards again against age agent
ages aggregation agree agreement agrees aha ahead air alembic alerts algorithm algorithms align aligned alike alive
all alloc allocate allocated allow allowed alloworphans allows allowwidows almi alone along already also alternative
always ambulatory amd ami among amplifier amplitude amplitudes amx analog analysis analyst analytic ancestor ancestors
and aneur anew angle angles annex annexes annotated annotations announced announces another ansi answer answered
answering answers anterior anticlockwise any anybody anything anyway anywhere aortic apart api app appearance append
appended appending appends application applied applies apply approach approval approve apr april apt architecture
archive are area areas argparse args arial around arrange arrangement array arrays arrest arrhythmia arrive arrived
arrives arrow arrows ascending ascii ase aside ask asked asking asks asmi assets assigned assignment assignments
assigns assumed atrial attached attaches attachment attacks attempt attention attributes audit aug august auroc aurocs
authors auto autocast autograd automatic available avb average averaged averages averaging avf avl avr avx away axes
axis back backbone backbones background backslashreplace backup backward backwards bad balance balanced balancing band
bank banner bar bare bars base based baseline baselines bases bash basis batch batched batches battery bazett bcl bct
bdf bdl bdsp beat beats became because become becomes bed beegfs been before began begin beginning begins begun
behaves behind being belong belongs below bench benchmark benchmarks bend bends benefit beside besides best beta
better between beyond bfgs bfloat bgl bhf bhl bhm bias biased biases bidirectional big bigu bih bil bilinear bin
binary bins bioinformatics biometrics biosemi bipolar birth bit bits blame blames blank blanks bld blh blindness blo
block blocking blocks blue bmc bmi body bold bomb bool boolean booleans bootstrap border borderline borders both
bottom bottompadding bound bounded bounds box boxes bpm brackets bradycardia branch branches break breaks bright bring
brings broadcast broke broken brought brunner bsd bsn btc bth budget buffers bug bugs build building built bullet
bulletfontname bundle busy but button buttons bwd byte bytes cache cached caches calendar calibrate calibrated
calibration caliper call callable callables callbacks called caller calls came can candidates cannot canonical canvas
capable caption captions card cardiac cardiology cardiologyxml cards care carries carry cart cartid carts case cases
category cauchy causal causality causes caution cautious cell cells center centre centred centres ceph certain cfr
cgroup chain challenges chance change changed changes changing channel channels chapman chapter character
characteristics characters chart chartdate chartevents charts charttime cheap check checkable checked checking
checkout checkpoint checkpointed checkpoints checks checksum checksums child children choice choices choose chooses
chose chosen chunk chunks cifs circle circulatory circumstances citation cite cited city cka claim claimed claims
class classes classification classifier clbbb clean clear click clicking clin clinic clinical clinician clip clipboard
clipped clipping clock clocks clone close closed closes clumsiness cluster clustered clustering clusters cmd coalesce
code codebook codebooks coded codes codeword codewords coding coefficients cohort cohorts coincide collapse collapsed
collapses collect collected collection collections collects color colour colours column columns com combination combo
come comes comma command commands commas comment comments commit committed committee common compact comparable
comparator comparators compare compared compares comparison comparisons compiled compiler complain complains complaint
complaints complement complete complex compressed compression compressmethod compute computed computer computes
conclude condition conditional conditioned conditions confidence confidentiality config configs configuration
configured confirmed conjugate connect connection connections consecutive consistent consolas console constant
constants contact container contains content contents context contiguous continuation continued continuous contract
contracts contradict contradictory contradicts contrastive control controlled controls converted converter convolution
convolutional convolutions coordinates copied copies copy copying core cores corner corners corpora corpus correct
corrected correction correlation corruption cosine cost costs could count counted counter counters counts covariance
cover covered covering covers cpc cpsc cpu cpus crash crbbb crc create created creation creationdate creationflags
crop cropper crops cross crossing csv ctx ctypes cublas cuda cudnn current cursor curvature curvatures curve curves
cut cuts cutting damage damaged dark darwin dash dasharray dashed dashes dat data database dataclasses dataset
datasets date dates davfs day days dbd dbp dead debiased debug dec decade decay december decide decided decides
decimals decision declaration declare declared declares decline decode decoded decoder decoding deep deeper deepest
default defaults deferred definition deflated defusedxml deg degrees delete deleted deletes delicate delimited
delimiter delivered delong delta demo demographics den denies denoised denoiser denominator dense density department
departure depend dependencies depends depth depths deptry derivable derivation derivative derive derived desc
descendants describe describes description descriptions descriptor descriptors desktop detached detail details
deterioration developer deviation device devices diag diagnos diagnoses diagnosis diagnostic diagonal diagonalised
dialog dialogbuttonbox dialogs diamond dicm dicom dict dictionaries did die died dies differ differed difference
differences different differentiable differently differing differs dig digest digit digital digits diligence dinosr
dir direction directions directly directory disabled disclosure discrete discretisation discriminates discrimination
disease diseases disk display distance distances distillation distributed distribution distributions distributor
divergence divide divided divides division dll docs document documented documentinfo documentversion does doing domain
done door doors dossier dot dots dotted double doubled doubling doubt down downloaded downwards dozen drag dragging
draw drawing drawings drawn draws drift drive driven driver drives drop dropout dropped drops dtd due duplicate
duplicated duration durationperchannel dwmy dynamics dysfunction eaaaa each earlier early ecg ecgdatakit ecgid ecgs
echocardiogram echonext ecmo edf edge edges edited editor editors edquot effect effective effusion eigenvalues
eigenvectors eight either ekg electrocardiogram electrocardiograph electrocardiography element elements eleven
eligible ellipsis else elsewhere ema embed embedded embedding embeddings embeds emergency emory emptied empty enabled
encode encoding encounter end ended endian ending endless ends energy engine engines enough ensembles enter enters
entities entity entries entropy entry envelope environ environment epilog epoch epochs equal equality equals error
errors escape escaped escapes estimable estimate estimated estimates eval evaluate evaluated evaluates evaluation
evaluations even evenly event events ever every everybody everyone everything everywhere evidence evident exact
exactly exam examination examined examines example examples exams except exception exceptions exchange exchanged
excitation exclude excluded excludes exclusive exe exec executable executors exist existing exists exit exp expat
expect expectation expected explained exploratory exponential exponents export exported exporting exports extended
external extra extreme extremes eye facade facility factor facts faded fades fail failed failing fails fall fallback
falls false family far fares farthest fast faster fastest fault faults fax fcntl feature features feb february fed
feed feedforward fell female fetch fetched few fewer fewest ffffff fibrillation fidelities fidelity fiducials field
fields figshare figure figures file filename filepath files fill filled fills filter filtered filters final finaliser
find finding findings finds fine finer finetuning finish finished finishing finite fire firewall firmware first fit
fits fitted fitting five fixed fixes flac flag flags flat flatten flatter flips float floats flock floor flop flow
flowables flows flush flutter fma focus fold folded folder folders folds follow followed follows font fontname fonts
foot footer for forbid forbidden force forced foreign forest foretold forget forgets forgetting forgot forgotten fork
forked form format formats formatter forms formula forward forwards found foundation four fraction frame frames free
freedom freeze frequencies frequency frequent fresh fri friday from frontal frozen ftol full func function functions
further fuse fused future futures fwd gain gains gap gaps gate gated gathered gauges gave gelu gemm gender general
generating generator generic geometric geometry georgia get getaffinity gets gflop gflops gil github give given gives
giving global gloo glu glued glusterfs glyph gmm goal goals goes going gone good governance gpfs gpu gpus grace
gradient gradients grain gram granted graph gravest greater greatest grid grids group grouped groups grow growing
grows gte gtol guessed guesses guessing gui gzipped had hairlines half halfway halves hand handed handle handler
handles hands hang hangs happen happened happens hard hardly harmless harms harsh has hash hashed hashes hashing
hatched have hdf hea head headed header headers heading headless heads health heap heart heartbeat heartrate heat
heavy heedb heeded height heights held help helvetica hence here hertz hex hexadecimal hhmmss hidden hide hides high
higher highest hii him hipaa his history hmac hmk hml hmm hold holder holders holdout holds hollow home honest hook
horizontal hospital hospitals host hostnames hot hour hours house hover how however href hrs hsic hti http hubert
humble hundred hundredth hvolt hypertrophy hyphen hypothesis hypoxemia icccm icd icon icons icu identification
identified identifier identifiers identifies identify identity idle ids ifname ignore ignored ignores ignoring iii
ilbbb ill ilmi image images imaginary img imi immediate immutable implementation implements import imported importing
imports impossible inactive included increment independent index indication indicator indices inf infarction inference
inferior infinite infinity influence influences info information ingest inherited inherits init initial injal injas
injil injin injla inner inotropes inpatient input inputs ins insert inside install installation installed installers
installs instance instant instead institute institution instructions int intact integer integers intel intend intended
intends intensive intercept interface internal interpolated interpolation interpretation interpreter interrupted
interval intervals into invalid inverse inverted investigator invt ipaddr iplmi ipmi irbbb isc iscal iscan iscas
ischemia iscil iscin iscla ishne iso isoline issing issue italic item itemid items iteration iterations iterator ito
its itself ivcd jan january jepa jmlr job jobs joined joins joint journal json jsonl judge judged judges jul july jump
jumps jun june just keep keeping keeps kept kernel kernels key keyboard keyed keyerror keys keysyms kicker kill killed
kind kinds kit kmeans knew know knowing known knows krb label labeler labelled labelling labels labevents labitems
laboratory lack lacks lae lafb laid landscape lao lapack large larger largest last lasts latents later lateral latest
latin latter launch launched launcher launches law laws layer layers layout layouts lbbb lead leader leads leak leaked
leaking leaks learn learned learner learning learns leash least leave leaves leaving ledger left leftovers leftpadding
legend legends legible len length lengthadjust lengths lent less let lets letter letters level levels lgpl libbrotli
libbrotlidec libdbus libegl libfontconfig libfreetype libgl libglib libgssapi libnvidia libraries library libx libxcb
libxkbcommon licence licences lie lies life light lightness like likeliest likelihood likely likewise limb limit
limited limits line lineabove lineage linear linearly linebelow linejoin lines link linked links linter linux list
listed listen listens lists literal little live lives living lmi lngqt load loaded loader loaders loading loads loc
local localid location lock locked lockf locks log logarithm logarithmic logged logic logistic logisticregression
logit logits logs long longer longest look looked looking looks loop loopback loops loses loss losses lossless lost
low lower lowest lowt lpfb lpr lte ludb luminance lustre lvef lvh lvolt lvwt lzw machine machineid machinery machines
macro made mail main mains major make maker makers makes making male malformed management manager manifest mann many
map mapped mapping maps mar march marginal mark marked marker markers marks markup mask masked masks mass master mat
match matched matches matmul matplotlib matrices matrix matter matters max maxcor maxfun maxiter may mchc mdc mds mean
meaning means meant meanwhile measure measured measurement measurements measures mechanical med median medians medical
medium meet meets megabytes member members meminfo memory memorystatusex menlo menu menus merely merge merged message
messages met meta metadata method methods metric metrics microvolt microvolts middle midpoint midpoints midranks might
migration migrations millimetre millimetres million millions millionth millisecond milliseconds millivolt millivolts
mimic min minimise minimised minimum minus minute minutes mirror mismatch miss missed missing misspelt mitral mix mkl
mlii mmm modal moddate mode model models moderate modes modified modifiers module modulo moment moments mon monday
mono monospace monotone month more mortality most mostly mount mounts mouse move moved movement movements moves moving
mrn msg much multi multimodal multiple multiples multiplexed multiplicities multiplier multiplies multiply munzel muse
must muted mvperlsb mymodel myocardial mypy name named names namespaces naming nan nanovolt nanovolts narrow narrowed
narrower native nats nature navigation nbsp nccl ncpfs nct ndt near nearer nearest nearly need needed needless needs
negative negatives neighbouring neighbours neither nested net network networks neue neutral never new newcombe newer
newest news next nfs nhl nhti nibbles nine ningbo nnodes nobody node nodelist nodes noise nominal non noncardiac none
nonparametric nonspecific nor norm normal normalisation normalise normalised norms nosplit not notch note notes
nothing notice noticing noto notosans notosansmono noun nouns nov november now nowhere nplr npy npz nst ntasks nth
null num numba number numbered numbers numeric numpy nvidia nvml nvperlsb obey object objective objectives objects
obuchowski occur occurs oct october odd odds off offered offers official offline offset offsets often okabe old older
omr once one ones online only onset opacity open openblas opened opening openings openpyxl opens operating operation
operator operators opinion opposite opt optimal optimiser optimizer option optional optionally options oracle order
ordering orders org origin original orm otch other others otherwise our ours ourselves out outcome outcomes outer
outlier outline outlined outlive outlived outlives outnumber outpatient output outputs outscores outside over overlap
overlapping overlaps overread overrides overwritten own owner pac pace paced pacemaker pack package packages packaging
packed padded padding pads page pages paint painted painter painters painting paints pair paired pairs pale palette
pandas panel panels panning pans paper paragraph parallel parameter parameters params parent parker parquet parsed
parsedwaveforms parser parsers parses parsing part parted partial particular parting partition partitions parts pasp
pass passed passes passing past paste pasted pasting path paths patience patient patientid patients payload pays pdf
pdur peak pediatric peer pen penalised penalties penalty pens people per percentage percentile percentiles perfect
perfectly performance performer pericardial periods permanent permission permissions permitted person phantom phase
phases phone phrase phrased phrases physical physician physionetchallenges picked picks picture pictures pid piece
pieces pikepdf pinned pip pipes pixel pixels pixmap place placeholder placement placements places plain plainly plan
plane planes platform plausible plot plots plug plugin plural plus pmi png point pointer points pole poles policy poly
polyline polylines polynomials polyphase pool pooled poor population port portable position positions positive
positives posix possible post posterior power powercap powers pragma prc pre preadmission preamble precision predict
predicted predicting prediction predictions predictive predictor predicts preferred premature prepared preprocessing
present press pressure pretrain pretrained pretraining pretrainings pretrains prevent preview previous primary
principal print printed printf prints private probabilities probability probe probed probes probing problem problems
proc procedure process processes processor procid product products program programs progress prolonged promise proof
property proportional protocol prototype prototypes prove provenance proves pseudonym pseudonyms psvt ptb ptbxl public
publication publicly published publishes pull pulls pulmonary pulse pulses pumps pure purpose push pushed put puts pvc
pyarrow pydantic pydicom pyedflib pykeops pypdf pypdfium pyproject pyqtgraph pytest python qpa qrs qtc quality
quantile quantity quarter quartiles queries query question questions queue queued queues quiet quietly quit quota
quote quoted quotes quotient qwave radius rae rail raise raised raises ramp ran random randomness randr range ranges
rank ranked ranking rankings ranks rao rapl rare rarely rarest rate rates rather ratio ratios raw rbbb rclone rdrecord
rdw reach reached reaches read readable reader readers reading readonly reads ready real really reason reasons recent
recipe recipes reckoned recompute recomputed recomputes reconfigure record recorded recording recordings records rect
rectangle recurrence recurrences recursive reduces reference references referring refresh refreshed refreshes refs
refusal refuse refused refuses refute regard register registered registers registration regression regular
regurgitation rehearsal relative release released relu rely remain remainder remains remark remember remembered
remembers remnant remnants removed removes renames render rendered repaint repeat repeatable repeated repeating
repeats replace replaceable replaced replacement replaces replacing replicate report reported reportlab reports
repository represent representation representative reproduce reproduced reproduces request required resample resampled
resamples resampling research reset residual resolution resolved resolves resource respect respects responses resprate
rest restingecgdata restricted rests result results resume resumed resumes resuming return returns reveal reverse
review revision rfc rfft rhk rhl rhm rhythm rhythms right rightpadding rights rise rises rising rivals rnh robust
robustness roc role roles room root roots rotary rotate rotation rotations roughly round rounded rounding rounds row
rows rrggbb ruff rule ruler rules run runner running runprovenance runs rvh safe safetensors safety said same sample
sampled samples samplespersecond sampling samplingrate sans sarrh sat satisfied satterthwaite saturated saturday save
saw say saying says sbatch sbp sbrad scalar scalars scale scaled scales scaling scan sched schedule schedules schema
scheme schemes science scikit scipy scontrol score scored scores scoring scp scpecg scratch screen screens screenshots
script scripts scroll scrolling sct search searched second secondaryid seconds secret section sections sectors see
seed seeds seem seen sees segment segments segoe sehyp seldom select selected selection self selftest semicolon send
sends sense sensitivities sensitivity sent sentence sentences sep separate separated separates separation separator
sept septal september seq sequence serial series serif serve server serves service session set sets setting settings
settle settled settles seven sevenths several severe severity sex sha shadow shall shape shaped shapes shard shards
share shared shares sharp sheet sheets shift shifted shifts shipped shm short shortcut shortcuts shortened shorter
shortest should show showed shown shows shrink shrinks shuffled side sides sideways sierra sierraecg sig sight sigmoid
sign signal signalcharacteristics signals signature signatures signed signs sil silent silently silhouette similar
similarities similarity simple simplest simulated simultaneous simultaneously sinc since sine sinfo single singular
sinkhorn sinus sit site sites sits six size sized sizes skew skewed skip slashes slightly slip slope slopes slow
slower slowly slurm small smaller smallest smb smbfs smi smooth snapshot sniff snomed socket soft softly softmax
software solid solved solves some somebody something somewhere song soon sooner sort sorted sought source sources
space spaced spaces spacing spacingandglyphs span spanned spans spare spares spawn spawned speak speaks spec special
specification spectra speculative speech speed speeds spelled spellings spent sph spike spikes spinning split
splitlongwords splits sponsor spot spread sql sqlalchemy sqlite sqrt square squared squares squeeze squeezed squeezes
srt srun sshfs stable stach stack staff stage stages stale stamp stand standard standardisation standardise
standardised standardized stands star start started starting starts stat state stated statement statements states
statistic statistics status stay stays std ste steep steer stem stems stenosis step steps still stood stop stopped
stops store stored stores storetime story str straight stranger strangers strat stratification stratified stream
streamed streaming streams street strength stress stretch stretches strict strictly stride strided strides string
strip stripped strips stroke strokes stronger strongest struck structure stuck student studies study style sub
subclass subclasses subgroups subject subjects subparsers subset subsets such sudo suffice suffix suit suite sum
summary summed sums sun sunday super superclasses supplied supply support supported supportive sure surrogateescape
survive suspect svarr svg svtac swing swish switched symbols symmetric sync synchronous synthetic sys system systems
systolic tab table tables tabs tachycardia tag tags tail tails take taken takes taking talk talks tampering taps
target targets task tasks teacher teachers technical telehealth telemetry tell telling tellings tells temperature
temperatures template templates ten tend tends tensor tensors tenth term terminal terminals terminate terms test
tested tests text textcolor textlength texts than that the their theirs them theme themes themselves then theorem
there therefore these they thick thin thing things think thinned thinning third this those thousand thousands thread
threads three threshold through throughout throughput thrown thu thursday tick ticked ticking ticks tie tied ties
tight time timed timeout times tiny tip title titled titles tmp today together toggle token tokens told tolerance
tolist toml too took tool toolbar tooltip tooltips top toppadding torch torchelastic torchrun torn total touch touched
touches towards trace traceback traces tracings trail trailing train trainable trained trainer training trainings
trains transaction transductive transform transformation transformations transformer transforms translate transparent
transport transposed travel travels tree trial triangle tricuspid tried trigger triggers trigu trivial true truncated
truncation trust trusting try ttf tue tuesday tuned tuple turn turned turning turns twelve twentieth twice twin two
type typed types typeset typesetting typing ufeff uid uint unable unbiased unbounded unbroken uncalibrated uncaught
uncertain uncompressed unconfirmed undamaged undecided undefined under understood undivided undone unexpectedly
unfinished unfold unfolding unfolds unicode uniform uniformly uniforms union uniquepatientid unit units unity
university unk unknown unless unlike unnamed unpacked unreadable unrelated unreleased unresolvable unscored
unsearchable unseen unsigned unstable unsupported untested untick until untitled untouched untrained unusable unused
unverified update updates upper upright upside upwards usable usage usageerror use used useful user uses usr usual utc
utf util utils uuid uvperlsb val valid validate validated validation valign value valuenum values valueuom van vanish
vanished var variables variance variances variant variants varies vary vasopressors vclvh vec vector vectors vendor
vent ventilation ventricular venv verb verbs verdict verdicts verifiable verification verified verify verifying
version versions very view viewbox views visible visibly visit visits vital vitals vitalsign voices volt voltage volts
vouch wait waited waiting waits wal walked wall want wanted wants ward warm warmup warn warning warnings warns was
watch watched watches watts wave waveform waveforms waves way wayland ways wcag wears wed wednesday weeks weighed
weighing weight weighted weights well went were wfdb what whatever wheel when whenever where wherever whether which
whichever while whisker white whitened whitney who whoever whole wholly whom whose why wide widen widened widens wider
widest widget widgets width widths wild will win window windows wise wish wished with withheld within without won word
wording words work workable worked worker workers working works workspace workspaces workstation world worlderror
worse worst worth would wpw wrap wrapped wraps write writer writers writes writing written wrong wrote www xcb xkb xli
xlsx xml xmlns xyz year years yes yet you your yourself yyyy yyyymmdd zero zeroed zeros zip zone zoo zoom zoomed zooms
zzu
""".split()  # noqa: SIM905
)
