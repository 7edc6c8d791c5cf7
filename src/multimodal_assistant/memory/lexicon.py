"""Word lists for `analysis`: words that carry no topic, words of time, and the closed list of tags with the words that stand for them."""

STOPWORDS = frozenset(
    """
    a about above after again against ago ah all almost also although always am an and another any anybody anyone anything anyway
    are aren't around as at away back be because been before being below between bit both but by came can can't cannot could
    couldn't did didn't do does doesn't doing don't done down during each either else enough even ever every everybody everyone
    everything few for from further had hadn't has hasn't have haven't having he he'd he'll he's her here hers herself hi hello hey
    him himself his how however i i'd i'll i'm i've if in instead into is isn't it it'd it'll it's its itself just least less let
    let's like lot lots many may maybe me might mine more most much must my myself neither never no nobody none nor not nothing now
    of off oh ok okay on once one only onto or other others our ours ourselves out over own per perhaps please quite rather really
    same shall she she'd she'll she's should shouldn't since so some somebody someone something sometimes somewhere soon still such
    than thank thanks that that's the their theirs them themselves then there there's these they they'd they'll they're they've this
    those though through thus till to too toward towards under unless until up upon us very via was wasn't we we'd we'll we're we've
    well were weren't what what's whatever when where where's whether which while who who's whom whose why will with within without
    won't would wouldn't wow yeah yep yes yet you you'd you'll you're you've your yours yourself
    aber am an auch auf aus bei bin bis da das dass dein dem den der des doch du ein eine einem einen einer er es für gibt habe
    haben hier ich ihr ihre im immer in ist ja kann kein keine mein meine mich mir mit nach nicht noch nur schon sehr sein
    seine sich sie sind so um und uns vom von was wenn wer wie wir wird wo zu zum zur über
    au aux avec ce cela ces cette ceux chez comme dans de des dont du elle elles en est et être il ils j'ai je j'aime la le les leur
    leurs lui ma mais me mes moi mon ne nos notre nous on ou où par pas pour qu que qui sa sans se ses sont sur ta te tes ton tu
    un une vos votre vous c'est d'un d'une n'est
    al algo como con cual cuando de del desde donde el él ella ellos en era es esta está este esto estoy fue ha hay la las le les lo
    los más me mi muy nada no nos o para pero por porque que qué se si sí sobre soy su sus también te tengo tiene todo tu
    tus un una uno y ya yo
    anche che chi ci con da dal dalla degli dei del della delle di dove e gli ha ho hai il io lo ma mia mio ne nel nella noi non o
    per perché più quando questa questo se sei si sono su sua suo ti tra tuo un'
    à aos as com da das do dos e ela ele em eu foi isso já mais mas me minha muito na não nas no nos o os ou pela pelo por quando
    que seu sua são também tem tenho um uma você
    aan bij dat de dit een en er had heb heeft het hij hoe ik in is je kan maar mijn naar niet nog of om ook op te van voor was
    wat we wij worden zijn ze zo
    """.split()
)
"""Function words of English, German, French, Spanish, Italian, Portuguese and Dutch, and what people say between words."""

WEAK = frozenset(
    """
    able absolutely actually agree amazing anymore asked awesome bad believe best better big came comes coming cool couple
    decided definitely different easy especially exactly excited exciting fantastic feel feeling feels felt finally find fine found
    fun gave get gets getting give given glad go goes going gone gonna good got gotta great guess happen happened happens happy hard
    heard help hope hoping huge idea important incredible interesting keep kept kind knew know known knows learn learned leave left
    little live long look looked looking looks love loved lovely loves made make makes making mean means meant mind need needed
    needs new nice old people perfect pretty probably put ready real remember right said saw say says see seems seen show shows
    sounds special start started starting stuff sure take taken takes taking talk tell thing things think thinking thought told took
    totally tried true truly try trying use used using usually wait wanna want wanted wants way week went wish wonderful wonder
    worth yourself prefer enjoy enjoyed hate called named name calls
    """.split()
)
"""Words of any topic: they make no phrase, and become keywords only where nothing else is said."""

TIME_WORDS = frozenset(
    """
    today tomorrow yesterday tonight morning mornings afternoon afternoons evening evenings night nights noon midnight day days week
    weeks weekend weekends month months year years hour hours minute minutes second seconds century decade monday tuesday wednesday
    thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays january february march april may
    june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec am pm o'clock last next
    past recently lately earlier later daily weekly monthly yearly nowadays currently spring summer autumn winter
    heute morgen gestern montag dienstag mittwoch donnerstag freitag samstag sonntag jahr jahre woche wochen monat monate tag uhr
    aujourd'hui demain hier lundi mardi mercredi jeudi vendredi samedi dimanche année années semaine mois jour jours heure heures
    hoy mañana ayer lunes martes miércoles jueves viernes sábado domingo año años semana mes día días hora horas
    今天 昨天 明天 今日 昨日 明日 今年 去年 明年 上周 下周 오늘 어제 내일 сегодня вчера завтра
    oggi domani ieri hoje amanhã ontem vandaag morgen gisteren
    """.split()
)
"""A keyword is never a time: times are looked up by the clock, not by words."""

_WORDS_OF_TAGS = {
    "family": """family mother mom mum mama father dad papa parent parents sister brother sibling son daughter child children kid kids
        baby husband wife uncle aunt cousin grandma grandpa grandmother grandfather niece nephew twins pregnant
        familie mutter vater schwester bruder kinder mère père soeur frère famille madre padre hermana hermano hijo
        hija familia irmã irmão""",
    "people": """friend friends friendship neighbour neighbor colleague coworker boyfriend girlfriend partner roommate wedding married
        marry divorced date dating freund freundin ami amie amigo amiga amico amizade""",
    "food": """food eat eating ate cook cooking cooked bake baking baked recipe dinner lunch breakfast restaurant pizza pasta bread
        cake cheese fruit vegetable meat fish soup salad coffee tea wine beer drink vegetarian vegan dessert chocolate
        chicken rice delicious taste kitchen essen kochen kaffee brot cuisine café comida comer cocinar cena pan
        cibo mangiare cozinhar""",
    "health": """health healthy doctor dentist hospital nurse medicine medication pill sick ill illness disease pain hurt injury
        surgery allergy allergic asthma diabetes headache therapy therapist anxiety depression stress sleep diet
        weight clinic vaccine arzt krank gesundheit médecin malade santé médico enfermo salud medico malato saúde
        doente""",
    "sport": """sport sports run running jog marathon swim swimming gym workout exercise fitness yoga football soccer basketball
        tennis baseball hike hiking climb climbing bike cycling cyclist ski skiing surf surfing race team match coach
        fußball laufen courir fútbol correr calcio futebol""",
    "work": """work working job office boss manager company career salary project meeting client interview employer employee
        colleague promotion business startup retire retired profession engineer teacher lawyer arbeit büro beruf chef
        travail bureau métier trabajo oficina jefe lavoro ufficio trabalho escritório""",
    "education": """school university college student study studying class course exam degree professor teacher homework lesson learn
        graduate graduation thesis scholarship schule universität studium école étudiant escuela universidad estudiar
        scuola università escola estudar""",
    "travel": """travel trip journey flight fly airport plane train hotel vacation holiday holidays abroad passport visa tour tourist
        cruise beach visit visiting visited luggage roadtrip reise urlaub flug voyage vacances viaje vuelo playa
        viaggio vacanza viagem férias""",
    "home": """home house flat apartment room kitchen bathroom garden furniture sofa landlord rent lease move moved moving roof
        neighbour neighborhood address haus wohnung zuhause maison appartement casa piso jardín appartamento
        apartamento""",
    "money": """money pay paid price cost cheap expensive bank loan mortgage debt salary budget save savings invest investment tax
        bill dollar dollars euro euros pounds insurance geld bank preis argent prix dinero precio soldi prezzo
        dinheiro preço""",
    "music": """music song songs band concert guitar piano violin drums sing singing singer album melody playlist orchestra opera jazz
        musik konzert musique chanson música canción musica canzone""",
    "art": """art paint painting painter draw drawing picture photo photography photographer sculpture pottery museum gallery dance
        dancing theatre theater craft kunst malen peinture dessin arte pintura""",
    "books and films": """book books read reading novel author library poem poetry film films movie movies cinema series show episode actor
        netflix buch bücher lesen livre film libro leer película libri livro filme""",
    "hobby": """hobby hobbies game games gaming chess puzzle knit knitting garden gardening collect collection camping fishing craft
        lego boardgame hobbys spiel jeu loisir juego gioco jogo""",
    "technology": """computer laptop phone smartphone software app code coding program programming internet website wifi password email
        robot ai camera android iphone linux windows data server computadora ordinateur telefon téléphone teléfono
        telefono""",
    "animals": """pet pets dog dogs puppy cat cats kitten bird horse rabbit hamster fish animal animals vet shelter hund katze tier
        chien animal perro gato caballo gatto cachorro""",
    "nature": """nature forest tree trees mountain mountains river lake sea ocean sunset sunrise weather rain snow flower flowers park
        plants wald berg meer forêt montagne mer bosque montaña mar foresta montagna""",
    "preference": """favorite favourite prefer preferred like likes love loves hate hates dislike enjoy lieblings mag liebe préféré aime
        favorito favorita gusta encanta preferito piace gosto adoro""",
    "plan": """plan plans planning will going gonna tomorrow tonight intend hope hoping soon next appointment schedule remind
        reminder deadline reservation booked werde morgen vais demain voy mañana domani amanhã""",
    "event": """party birthday anniversary wedding concert festival ceremony celebration celebrate christmas easter thanksgiving event
        conference funeral parade graduation geburtstag hochzeit anniversaire cumpleaños boda compleanno aniversário
        casamento""",
    "feeling": """happy sad angry afraid scared worried nervous excited proud lonely grateful anxious stressed upset tired relieved
        frustrated jealous glücklich traurig triste heureux feliz felice""",
    "identity": """name born live lives birthday age nationality language religion gender identity transgender surname nickname address""",
}

TAGS = tuple(_WORDS_OF_TAGS)
"""The closed list, in the order in which ties are decided."""

KINDS = frozenset({"preference", "plan", "event", "feeling", "identity"})
"""Tags that say what sort of thing is said rather than what it is about: no category."""

TAGS_OF_WORDS: dict[str, tuple[str, ...]] = {
    word: tuple(tag for tag, words in _WORDS_OF_TAGS.items() if word in words.split())
    for word in dict.fromkeys(" ".join(_WORDS_OF_TAGS.values()).split())
}
